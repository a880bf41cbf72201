/** Calls between threads: a question gets one answer, an event gets none. Messages of one port keep their order. */
import type { MessagePort, Worker } from "node:worker_threads";
import { CachewardenError, type ErrorCode, type Said } from "../core/errors.js";

// biome-ignore lint/suspicious/noExplicitAny: the parameters of any function; each is checked where it is called.
type Functions = { readonly [name: string]: (...args: any[]) => unknown };
type Message =
	| { readonly call: number; readonly name: string; readonly args: readonly unknown[] }
	| { readonly answer: number; readonly value: unknown }
	| { readonly answer: number; readonly thrown: Thrown }
	| { readonly event: unknown };
type Thrown =
	| { readonly code: ErrorCode; readonly said: Said }
	| { readonly text: string; readonly name: string; readonly systemCode: string | null };

/** The other end's functions. */
export interface Remote<Api> {
	call<Name extends keyof Api & string>(
		name: Name,
		...args: Api[Name] extends (...args: infer Args) => unknown ? Args : never
	): Promise<Api[Name] extends (...args: never[]) => infer Result ? Awaited<Result> : never>;
	/** No call is answered any more. */
	fail(error: Error): void;
}

export function callThrough<Api, Event = never>(port: MessagePort | Worker, onEvent?: (event: Event) => void): Remote<Api> {
	const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
	let lastCall = 0;
	let failure: Error | null = null;
	port.on("message", (message: Message) => {
		if ("event" in message) return onEvent?.(message.event as Event);
		if (!("answer" in message)) return;
		const call = waiting.get(message.answer);
		waiting.delete(message.answer);
		if ("thrown" in message) call?.reject(restored(message.thrown));
		else call?.resolve(message.value as never);
	});
	return {
		call: (name, ...args) =>
			new Promise((resolve, reject) => {
				if (failure) return reject(failure);
				waiting.set(++lastCall, { resolve, reject });
				port.postMessage({ call: lastCall, name, args } satisfies Message);
			}),
		fail(error) {
			failure = error;
			for (const call of waiting.values()) call.reject(error);
			waiting.clear();
		},
	};
}

/** `beforeAnswer` runs before each answer is sent, so that its events arrive first. */
export function answerThrough(port: MessagePort | Worker, functions: Functions, beforeAnswer?: () => void): void {
	port.on("message", async (message: Message) => {
		if (!("call" in message)) return;
		let answer: Message;
		try {
			const named = functions[message.name];
			if (!named) throw new Error(`no function ${message.name}`);
			answer = { answer: message.call, value: await named(...message.args) };
		} catch (error) {
			answer = { answer: message.call, thrown: thrown(error) };
		}
		beforeAnswer?.();
		port.postMessage(answer);
	});
}

export function tell(port: MessagePort, event: unknown): void {
	port.postMessage({ event } satisfies Message);
}

function thrown(error: unknown): Thrown {
	if (error instanceof CachewardenError) return { code: error.code, said: error.said };
	const { message, name, code } = error as NodeJS.ErrnoException;
	return { text: message, name, systemCode: typeof code === "string" ? code : null };
}

function restored(sent: Thrown): Error {
	if ("said" in sent) return new CachewardenError(sent.code, sent.said);
	return Object.assign(new Error(sent.text), { name: sent.name, ...(sent.systemCode === null ? {} : { code: sent.systemCode }) });
}
