import type { Worker } from "node:worker_threads";
import type { SourceCounters } from "../../backends/entry-source.js";
import { CachewardenError, type ErrorCode, type Failure, failureOf } from "../../core/errors.js";
import type { RowBatch } from "../index/row-batch.js";
import type { ServerOptions, ServerPlace } from "../places.js";
import { answerThrough, callThrough, type Remote } from "../rpc.js";
import { startWorker } from "../worker.js";
import type { SourceEvent, SourceHostApi, SourceReading, SourceScanOrder, SourceWorkerApi } from "./protocol.js";

const HEAP_MB = 256;
/** Loading a driver takes a second, on a busy machine several. */
const START_MS = 20_000;
const YOUNG_MB = 16;
const PROBE_MS = 1500;
const BARRIER_MS = 3000;
const WATCH_MS = 10_000;
const READ_MS = 10_000;
const CLOSE_MS = 1000;

export interface SourceHandlers extends SourceHostApi {
	progress(scan: number, entries: number): void;
	/** What went wrong, in the words of the library: for the log. */
	failed(error: unknown): void;
}

/** The server could not be read: everything else that is thrown concerns the index. */
export class SourceFailure extends Error {
	constructor(readonly failure: Failure) {
		super(failure.code);
	}
}

interface Thread {
	readonly worker: Worker;
	readonly remote: Remote<SourceWorkerApi>;
	/** Whether one pass serves several places: the first answer, which comes when the adapter has been loaded. */
	readonly onePass: Promise<boolean>;
}

/** The catalog worker's end of a source. Its thread is started when needed, and again after it has failed. */
export class SourceLink {
	#thread: Thread | null = null;
	#breakOff: (() => void) | null = null;
	#closing = false;

	constructor(
		private readonly options: ServerOptions,
		private readonly handlers: SourceHandlers,
	) {}

	onePass(): Promise<boolean> {
		return this.#call(() => (this.#thread as Thread).onePass, START_MS);
	}

	/** Takes as long as it takes; `cancel` ends it at once, whatever the source does. */
	scan(order: SourceScanOrder): Promise<readonly Float64Array[]> {
		const brokenOff = new Promise<never>((_, reject) => {
			this.#breakOff = () => reject(new CachewardenError("CANCELLED"));
		});
		return this.#call((remote) => Promise.race([remote.call("scan", order), brokenOff]), null);
	}

	cancel(): void {
		this.#breakOff?.();
		this.#thread?.remote.call("cancel").catch(() => undefined);
	}

	read(place: ServerPlace, salt: number, keys: readonly string[]): Promise<SourceReading> {
		return this.#call((remote) => remote.call("read", place, salt, keys), READ_MS);
	}

	watch(): Promise<ReadonlyMap<string, string | null>> {
		return this.#call((remote) => remote.call("watch"), WATCH_MS);
	}

	async barrier(): Promise<boolean> {
		try {
			return await this.#call((remote) => remote.call("barrier"), BARRIER_MS);
		} catch (error) {
			if (error instanceof SourceFailure) return false;
			throw error;
		}
	}

	counters(): Promise<SourceCounters> {
		return this.#call((remote) => remote.call("counters"), PROBE_MS);
	}

	async close(): Promise<void> {
		this.#closing = true;
		const thread = this.#thread;
		if (!thread) return;
		await this.#bounded(thread.remote.call("close"), CLOSE_MS).catch(() => undefined);
		thread.remote.fail(new CachewardenError("CANCELLED"));
		await thread.worker.terminate();
	}

	async #call<T>(ask: (remote: Remote<SourceWorkerApi>) => Promise<T>, withinMs: number | null): Promise<T> {
		if (this.#closing) throw new SourceFailure(plain("CANCELLED"));
		this.#thread ??= this.#start();
		const { remote, onePass } = this.#thread;
		try {
			await this.#bounded(onePass, START_MS);
			const answer = ask(remote);
			return await (withinMs === null ? answer : this.#bounded(answer, withinMs));
		} catch (error) {
			if (!(error instanceof CachewardenError)) this.handlers.failed(error);
			throw new SourceFailure(failureOf(error));
		}
	}

	#start(): Thread {
		const { module, options } = this.options;
		const worker = startWorker("./source-worker.js", { module, options }, HEAP_MB, YOUNG_MB);
		const remote = callThrough<SourceWorkerApi, SourceEvent>(worker, ({ scan, entries }) => this.handlers.progress(scan, entries));
		answerThrough(worker, {
			take: (scan: number, batch: RowBatch) => this.handlers.take(scan, batch),
			changed: (place: string, keys: readonly string[]) => this.handlers.changed(place, keys),
			broken: (place: string | null, reason: string) => this.handlers.broken(place, reason),
		});
		const thread = { worker, remote, onePass: remote.call("onePass") };
		thread.onePass.catch(() => undefined);
		let reason: unknown = new Error("the thread of a source ended");
		worker.on("error", (error) => {
			reason = error;
		});
		worker.on("exit", () => {
			remote.fail(new CachewardenError("BACKEND_UNAVAILABLE", undefined, { cause: reason }));
			if (this.#thread === thread) this.#thread = null;
			if (this.#closing) return;
			this.handlers.failed(reason);
			this.handlers.broken(null, "the thread of the source ended");
		});
		return thread;
	}

	async #bounded<T>(answer: Promise<T>, withinMs: number): Promise<T> {
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			const said = { key: "error.noAnswer", facts: { location: this.options.location } } as const;
			// When it was this loop that stood still, the answer has come already, and is read before the verdict.
			timer = setTimeout(() => setImmediate(() => reject(new CachewardenError("BACKEND_TIMEOUT", said))), withinMs);
		});
		try {
			return await Promise.race([answer, late]);
		} finally {
			clearTimeout(timer);
		}
	}
}

function plain(code: ErrorCode): Failure {
	return failureOf(new CachewardenError(code));
}
