import { Worker } from "node:worker_threads";
import { workerUrl } from "../../core/worker-url.js";
import type { WorkerReply, WorkerRequest } from "./worker-protocol.js";

/** A thread that had nothing to do for so long ends. */
const IDLE_MS = 5_000;

/** Threads that are started when there is work, at most `maxThreads` at once, and end by themselves. */
export class WorkerPool {
	private readonly idle: Thread[] = [];
	private readonly all = new Set<Thread>();
	private readonly waiting: (() => void)[] = [];
	private closed = false;

	constructor(private readonly maxThreads: number) {}

	/** Rejects only when the thread dies over it, or the pool is closed. */
	async ask(request: WorkerRequest): Promise<WorkerReply> {
		const thread = await this.take();
		try {
			return await thread.ask(request);
		} finally {
			this.give(thread);
		}
	}

	/** What runs is let run to its end: a thread that is stopped between two calls leaves half an entry. */
	async close(): Promise<void> {
		this.closed = true;
		for (const free of this.waiting.splice(0)) free();
		this.idle.length = 0;
		await Promise.all([...this.all].map((thread) => thread.end()));
	}

	private async take(): Promise<Thread> {
		for (;;) {
			if (this.closed) throw new Error("The backend was closed");
			const idle = this.idle.pop();
			if (idle) return idle;
			if (this.all.size < this.maxThreads) break;
			await new Promise<void>((free) => this.waiting.push(free));
		}
		const thread = new Thread();
		this.all.add(thread);
		return thread;
	}

	private give(thread: Thread): void {
		if (!thread.alive) this.all.delete(thread);
		else if (!this.closed) {
			this.idle.push(thread);
			thread.rest(IDLE_MS, () => {
				this.idle.splice(this.idle.indexOf(thread), 1);
				this.all.delete(thread);
				void thread.end();
			});
		}
		this.waiting.shift()?.();
	}
}

interface Question {
	readonly resolve: (reply: WorkerReply) => void;
	readonly reject: (error: unknown) => void;
	readonly answered: Promise<WorkerReply>;
}

/** One worker, one question at a time. Keeps the process alive only while it is at work. */
class Thread {
	alive = true;
	// Compiled code needs none of what the process was started with, such as loaders. Batches are small and soon garbage:
	// with little room for it a thread stays at about 10 MB.
	private readonly worker = new Worker(workerUrl(import.meta.url, "./removal-worker.js"), {
		execArgv: [],
		resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
	});
	private question: Question | null = null;
	private timer: NodeJS.Timeout | undefined;
	private error: unknown = null;

	constructor() {
		this.worker.on("message", (reply: WorkerReply) => {
			this.question?.resolve(reply);
		});
		this.worker.on("error", (error) => {
			this.error = error;
		});
		this.worker.on("exit", (code) => {
			this.alive = false;
			this.question?.reject(new Error(`A removal thread ended with ${code}`, { cause: this.error }));
		});
	}

	async ask(request: WorkerRequest): Promise<WorkerReply> {
		clearTimeout(this.timer);
		this.worker.ref();
		let resolve: Question["resolve"] = () => undefined;
		let reject: Question["reject"] = () => undefined;
		const answered = new Promise<WorkerReply>((yes, no) => {
			resolve = yes;
			reject = no;
		});
		this.question = { resolve, reject, answered };
		this.worker.postMessage(request);
		try {
			return await answered;
		} finally {
			this.question = null;
			this.worker.unref();
		}
	}

	rest(idleMs: number, onEnd: () => void): void {
		this.timer = setTimeout(onEnd, idleMs).unref();
	}

	async end(): Promise<void> {
		clearTimeout(this.timer);
		await this.question?.answered.catch(() => undefined);
		await this.worker.terminate();
	}
}
