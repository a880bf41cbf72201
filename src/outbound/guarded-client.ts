import { Agent, type Dispatcher, errors, request } from "undici";
import { CachewardenError, type Said } from "../core/errors.js";
import { guardedConnector, isPublicAddress, PrivateAddressError } from "./address.js";

const MAX_REDIRECTS = 5;
const CONNECT_MS = 10_000;

export interface OutboundRequest {
	readonly url: string;
	readonly method: "GET" | "POST" | "PUT";
	readonly headers: Readonly<Record<string, string>>;
	/** Sent as JSON. */
	readonly body?: unknown;
	/** From the first connection to the last byte, redirects included. */
	readonly timeoutSeconds: number;
	readonly maxBytes: number;
}

export interface OutboundAnswer {
	readonly status: number;
	/** Lower case, without parameters; empty when absent. */
	readonly contentType: string;
	readonly retryAfterSeconds: number | null;
	readonly body: Uint8Array;
	/** Whom the answer came from, for messages. */
	readonly host: string;
}

/** Why there was no answer. `passing`: the same call may succeed later. */
export class OutboundFailure extends CachewardenError {
	constructor(
		said: Said,
		readonly passing: boolean,
		cause?: unknown,
	) {
		super("LOADER_FAILED", said, { cause });
		this.name = "OutboundFailure";
	}
}

export interface OutboundClient {
	/** Any status is an answer. Rejects with OutboundFailure, or with the signal's reason. */
	send(order: OutboundRequest, signal: AbortSignal): Promise<OutboundAnswer>;
	close(): Promise<void>;
}

export interface OutboundOptions {
	readonly allowPrivateAddresses: boolean;
	/** Which addresses may be called unless all may. Default: those of the public internet. */
	readonly isAllowed?: (address: string) => boolean;
}

/** Calls the addresses that an administrator configured. Private ones are refused unless allowed, also behind names and redirects. */
export function openOutboundClient({ allowPrivateAddresses, isAllowed = isPublicAddress }: OutboundOptions): OutboundClient {
	const agent = new Agent(allowPrivateAddresses ? { connectTimeout: CONNECT_MS } : { connect: guardedConnector(CONNECT_MS, isAllowed) });
	return {
		async send(order, signal) {
			const deadline = new AbortController();
			const timer = setTimeout(() => deadline.abort(), order.timeoutSeconds * 1000);
			const forward = (): void => deadline.abort();
			signal.addEventListener("abort", forward, { once: true });
			try {
				signal.throwIfAborted();
				return await follow(agent, order, deadline.signal);
			} catch (error) {
				if (signal.aborted) throw signal.reason;
				throw failureOf(error, new URL(order.url).host, order, deadline.signal.aborted);
			} finally {
				clearTimeout(timer);
				signal.removeEventListener("abort", forward);
			}
		},
		close: () => agent.destroy(),
	};
}

async function follow(agent: Agent, order: OutboundRequest, signal: AbortSignal): Promise<OutboundAnswer> {
	let url = new URL(order.url);
	let { method, headers, body } = { ...order, body: order.body === undefined ? null : JSON.stringify(order.body) };
	for (let redirects = 0; ; redirects++) {
		const response = await request(url, {
			dispatcher: agent,
			method,
			headers: { ...headers, "accept-encoding": "identity", ...(body === null ? {} : { "content-type": "application/json" }) },
			body,
			signal,
		});
		const next = redirectOf(response, url);
		if (next === null) return answerOf(response, url.host, order.maxBytes);
		await response.body.dump();
		if (redirects >= MAX_REDIRECTS || !/^https?:$/.test(next.protocol))
			throw new OutboundFailure({ key: "error.loader.redirects", facts: { host: url.host } }, false);
		// What was meant for one server is not told to another.
		if (next.origin !== url.origin) headers = {};
		if (response.statusCode === 303 || (response.statusCode !== 307 && response.statusCode !== 308)) {
			method = "GET";
			body = null;
		}
		url = next;
	}
}

function redirectOf({ statusCode, headers }: Dispatcher.ResponseData, from: URL): URL | null {
	const { location } = headers;
	if (![301, 302, 303, 307, 308].includes(statusCode) || typeof location !== "string" || !URL.canParse(location, from.href)) return null;
	return new URL(location, from);
}

async function answerOf(response: Dispatcher.ResponseData, host: string, maxBytes: number): Promise<OutboundAnswer> {
	const header = (name: string): string => String(response.headers[name] ?? "");
	const encoding = header("content-encoding").toLowerCase();
	const chunks: Buffer[] = [];
	let length = 0;
	try {
		if (encoding !== "" && encoding !== "identity")
			throw new OutboundFailure({ key: "error.loader.encoded", facts: { host, encoding } }, false);
		for await (const chunk of response.body) {
			chunks.push(chunk as Buffer);
			length += (chunk as Buffer).length;
			if (length > maxBytes) throw new OutboundFailure({ key: "error.loader.tooLarge", facts: { host, max: maxBytes } }, false);
		}
	} catch (error) {
		// What is destroyed says so once more, to nobody.
		response.body.on("error", () => undefined).destroy();
		throw error;
	}
	const retryAfter = header("retry-after");
	return {
		status: response.statusCode,
		contentType: header("content-type").split(";")[0]?.trim().toLowerCase() ?? "",
		retryAfterSeconds: /^\d{1,5}$/.test(retryAfter) ? Number(retryAfter) : null,
		body: Buffer.concat(chunks),
		host,
	};
}

function failureOf(error: unknown, host: string, { timeoutSeconds }: OutboundRequest, late: boolean): OutboundFailure {
	if (error instanceof OutboundFailure) return error;
	if (late || error instanceof errors.ConnectTimeoutError)
		return new OutboundFailure({ key: "error.loader.timeout", facts: { host, seconds: timeoutSeconds } }, true, error);
	const all = error instanceof AggregateError ? error.errors : [error];
	if (all.some((one) => one instanceof PrivateAddressError))
		return new OutboundFailure({ key: "error.loader.private", facts: { host } }, false, error);
	const reason = (all[0] as NodeJS.ErrnoException).code ?? (all[0] as Error).name;
	return new OutboundFailure({ key: "error.loader.unreachable", facts: { host, reason } }, reason !== "ENOTFOUND", error);
}
