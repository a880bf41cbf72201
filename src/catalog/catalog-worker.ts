/** The thread that owns the index: the only one that writes it. */
import { parentPort, workerData } from "node:worker_threads";
import { CatalogService } from "./catalog-service.js";
import type { CatalogEvent, CatalogWorkerApi, CatalogWorkerOptions } from "./protocol.js";
import { answerThrough, tell } from "./rpc.js";

const port = parentPort;
if (!port) throw new Error("catalog-worker runs as a worker thread");

const service = new CatalogService(workerData as CatalogWorkerOptions, (event: CatalogEvent) => tell(port, event));
const functions: CatalogWorkerApi = {
	forget: (ids) => service.forget(ids),
	markStale: (ids, stale) => service.markStale(ids, stale),
	refresh: (placeIds, now) => service.refresh(placeIds, now),
	tick: (now) => service.tick(now),
	damaged: (epoch) => service.damaged(epoch),
	close: () => service.close().finally(() => process.exit()),
};
// Whoever gets an answer finds what it did in the totals.
answerThrough(port, { ...functions }, () => service.tellTotals());
service.start();
