/** The thread that a server's adapter reads in: connections, parsing and comparing, and no row of the index. */
import { parentPort, workerData } from "node:worker_threads";
import type { OpenSource } from "../backends/entry-source.js";
import { CachewardenError } from "../core/errors.js";
import { answerThrough, callThrough, tell } from "./rpc.js";
import { Hints } from "./servers/hints.js";
import type { SourceEvent, SourceHostApi, SourceWorkerApi, SourceWorkerOptions } from "./servers/protocol.js";
import { readSource, scanSource } from "./servers/source-scan.js";

const port = parentPort;
if (!port) throw new Error("source-worker runs as a worker thread");

const { module, options } = workerData as SourceWorkerOptions;
const { openSource } = (await import(module)) as { readonly openSource: OpenSource<unknown> };
const source = openSource(options);
const host = callThrough<SourceHostApi>(port);
const hints = new Hints({
	changed: (place, keys) => host.call("changed", place, keys),
	broken: (place, reason) => void host.call("broken", place, reason),
});
let scanning: AbortController | null = null;

const functions: SourceWorkerApi = {
	async scan(order) {
		const { scan } = order;
		scanning = new AbortController();
		const report = {
			take: (batch: Parameters<SourceHostApi["take"]>[1]) => host.call("take", scan, batch),
			progress: (entries: number) => tell(port, { scan, entries } satisfies SourceEvent),
		};
		return scanSource(source, order, report, scanning.signal);
	},
	onePass: () => source.onePass,
	cancel: () => scanning?.abort(new CachewardenError("CANCELLED")),
	read: (place, salt, keys) => readSource(source, place, salt, keys),
	watch: () => source.watch(hints),
	async barrier() {
		const told = await source.barrier();
		await hints.drained();
		return told;
	},
	counters: () => source.counters(),
	close: () => source.close(),
};
answerThrough(port, { ...functions });
