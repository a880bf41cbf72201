import { Worker } from "node:worker_threads";
import { workerUrl } from "../core/worker-url.js";
import type { FromThread, ThreadData, ThrownMessage, ToThread } from "./messages.js";
import { StoreFailure, thrownError } from "./thrown.js";

type Request = ToThread extends infer Message ? (Message extends unknown ? Omit<Message, "call"> : never) : never;

/** One of the store's threads, seen from the main one: messages in, answers out in the order of execution. */
export interface Thread {
	ask(request: Request): Promise<unknown>;
	/** Nothing more may be asked. */
	refuse(): void;
	/** Ends the thread after what was asked before. */
	close(): Promise<void>;
}

interface Waiting {
	readonly resolve: (value: unknown) => void;
	readonly reject: (error: Error) => void;
}

type Warn = (message: string, facts: Readonly<Record<string, unknown>>) => void;

export function startThread(data: ThreadData, warn: Warn, notOpened: (thrown: ThrownMessage) => Error): Promise<Thread> {
	const worker = new Worker(workerUrl(import.meta.url, "./store-worker.js"), {
		workerData: data,
		execArgv: [],
		// What passes through is soon garbage: with the usual 48 MB of room for it, all of them fill up.
		resourceLimits: { maxYoungGenerationSizeMb: 6 },
	});
	const waiting = new Map<number, Waiting>();
	let calls = 0;
	let ended: Error | null = null;
	let refused = false;

	function end(error: Error): void {
		ended ??= error;
		for (const { reject } of waiting.values()) reject(error);
		waiting.clear();
	}

	async function ask(request: Request): Promise<unknown> {
		if (refused) throw new StoreFailure("CLOSED", "the store is closed");
		return send(request);
	}

	function send(request: Request): Promise<unknown> {
		return new Promise((resolve, reject) => {
			if (ended !== null) {
				reject(ended);
				return;
			}
			const call = ++calls;
			waiting.set(call, { resolve, reject });
			worker.postMessage({ ...request, call });
		});
	}

	const thread: Thread = {
		ask,
		refuse() {
			refused = true;
		},
		async close() {
			refused = true;
			if (ended !== null) return;
			await send({ kind: "close" });
			ended = new StoreFailure("CLOSED", "the store is closed");
			await worker.terminate();
		},
	};

	return new Promise((resolve, reject) => {
		worker.on("message", (message: FromThread) => {
			if (message.kind === "opened") resolve(thread);
			else if (message.kind === "notOpened") reject(notOpened(message.thrown));
			else if (message.kind === "warn") warn(message.message, message.facts);
			else
				for (const outcome of message.outcomes) {
					const waiter = waiting.get(outcome.call);
					waiting.delete(outcome.call);
					if (outcome.ok) waiter?.resolve(outcome.value);
					else waiter?.reject(thrownError(outcome.thrown));
				}
		});
		worker.once("error", (error: Error) => {
			end(new StoreFailure("CRASHED", `the store's thread ended: ${error.message}`));
			reject(error);
		});
		worker.once("exit", () => end(new StoreFailure("CLOSED", "the store is closed")));
	});
}
