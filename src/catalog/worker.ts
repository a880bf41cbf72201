import { Worker } from "node:worker_threads";
import { workerUrl } from "../core/worker-url.js";

/** A thread of the catalog. Its heap is kept small, and it takes over none of the options that this process was started with. */
export function startWorker(module: string, workerData: unknown, maxHeapMb: number, maxYoungHeapMb = 8): Worker {
	return new Worker(workerUrl(import.meta.url, module), {
		workerData,
		execArgv: [],
		resourceLimits: { maxOldGenerationSizeMb: maxHeapMb, maxYoungGenerationSizeMb: maxYoungHeapMb },
	});
}
