import { Worker } from "node:worker_threads";
import { CachewardenError } from "../core/errors.js";
import { workerUrl } from "../core/worker-url.js";
import type { Remote } from "./rpc.js";

/** A thread of the catalog. Its heap is kept small, and it takes over none of the options that this process was started with. */
export function startWorker(module: string, workerData: unknown, maxHeapMb: number, maxYoungHeapMb = 6): Worker {
	return new Worker(workerUrl(import.meta.url, module), {
		workerData,
		execArgv: [],
		resourceLimits: { maxOldGenerationSizeMb: maxHeapMb, maxYoungGenerationSizeMb: maxYoungHeapMb },
	});
}

/**
 * Resolves when a thread that ends itself once it is told to `close` has ended. One that may be inside SQLite must not be
 * terminated from outside: the binding takes that for a fault of its own and ends the whole process.
 */
export async function endWorker(worker: Worker, remote: Remote<{ close(): unknown }>): Promise<void> {
	const ended = new Promise((resolve) => worker.once("exit", resolve));
	remote.call("close").catch(() => undefined);
	remote.fail(new CachewardenError("BACKEND_UNAVAILABLE"));
	await ended;
}
