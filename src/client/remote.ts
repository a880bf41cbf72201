import { type Client, createClient } from "graphql-ws/client";
import { type AnyResult, dataOf, type OperationText, type Session, SessionError } from "./session.js";
import { webSocketOf } from "./web-socket.js";

export interface Endpoint {
	/** `http://host:port`, with or without `/graphql`. */
	readonly url: string;
	readonly token: string | null;
}

export interface RemoteOptions {
	/** Asked before every request and connection, so that address and token may change. */
	readonly endpoint: () => Promise<Endpoint>;
	/** Language of messages: `zh` or `en`. */
	readonly language?: string;
	/** Sent as User-Agent where the platform lets it. */
	readonly agent?: string;
	/** The platform's own by default; Node before 22 has none. */
	readonly webSocket?: unknown;
	/** For an answer over HTTP; 600,000 by default: a cache of millions may have to be read first. */
	readonly timeoutMs?: number;
	/**
	 * How often an open socket is asked whether the server is still there, and how long it has for answering: a connection can
	 * be dead without anybody saying so. 15,000 by default.
	 */
	readonly pingMs?: number;
}

export interface RemoteSession extends Session {
	/** `signal` ends the waiting; what the server began, it goes on with. */
	execute<Result, Variables>(document: OperationText<Result, Variables>, variables: Variables, signal?: AbortSignal): Promise<Result>;
}

/** What a newer try would meet again: the two ends do not understand each other. */
const FINAL_CLOSES: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009, 4004, 4005, 4400, 4406, 4409, 4429]);

interface Socket {
	readonly url: string;
	readonly client: Client;
	/** The server has taken the token of this connection. */
	accepted: boolean;
}

/** Queries and mutations over HTTP, subscriptions over one WebSocket that is opened when it is needed. */
export function connectRemote(options: RemoteOptions): RemoteSession {
	const { endpoint, language = "en", agent, webSocket, timeoutMs = 600_000, pingMs = 15_000 } = options;
	let socket: Socket | null = null;
	let token: string | null = null;

	/** graphql-ws must not be given functions that fail, so all that can fail is asked before. */
	async function open(): Promise<Socket> {
		const point = await endpoint();
		token = point.token;
		const url = graphqlUrl(point.url).replace(/^http/, "ws");
		if (socket?.url === url) return socket;
		await end(socket);
		let unanswered: ReturnType<typeof setTimeout> | undefined;
		function expectAnswer(): void {
			clearTimeout(unanswered);
			unanswered = setTimeout(() => opened.client.terminate(), pingMs);
		}
		const opened: Socket = {
			url,
			accepted: false,
			client: createClient({
				url,
				connectionParams: () => ({ ...authorization(token), "Accept-Language": language }),
				webSocketImpl: webSocketOf(webSocket),
				// Who subscribed knows where it broke off, and comes back with that (resume.ts).
				retryAttempts: 0,
				keepAlive: pingMs,
				on: {
					connecting: () => {
						opened.accepted = false;
						expectAnswer();
					},
					connected: () => {
						opened.accepted = true;
						clearTimeout(unanswered);
					},
					ping: (received) => {
						if (!received) expectAnswer();
					},
					pong: (received) => {
						if (received) clearTimeout(unanswered);
					},
					closed: () => clearTimeout(unanswered),
				},
			}),
		};
		socket = opened;
		return opened;
	}

	return {
		async execute<Result, Variables>(
			document: OperationText<Result, Variables>,
			variables: Variables,
			signal?: AbortSignal,
		): Promise<Result> {
			const { url, token } = await endpoint();
			const address = graphqlUrl(url);
			const ending = endAfter(timeoutMs, signal);
			let response: Response;
			let text: string;
			try {
				response = await fetch(address, {
					method: "POST",
					headers: {
						"content-type": "application/json",
						accept: "application/graphql-response+json, application/json",
						"accept-language": language,
						...(agent === undefined ? {} : { "user-agent": agent }),
						...authorization(token),
					},
					body: JSON.stringify({ query: document.toString(), variables }),
					signal: ending.signal,
				});
				text = await response.text();
			} catch (error) {
				if (signal?.aborted) throw signal.reason;
				throw new SessionError("UNREACHABLE", `${address}: ${reasonOf(error)}`, { cause: error });
			} finally {
				ending.stop();
			}
			const result = resultIn(text);
			if (result === null)
				throw new SessionError("UNREACHABLE", `${address}: answered ${response.status}, but not as a GraphQL server does`);
			return dataOf<Result>(result);
		},

		subscribe<Result, Variables>(document: OperationText<Result, Variables>, variables: Variables): AsyncIterableIterator<Result> {
			let through: Socket | null = null;
			let results: AsyncIterableIterator<AnyResult> | null = null;
			let ended = false;
			return {
				async next() {
					through ??= await open();
					if (ended) return { done: true, value: undefined };
					results ??= through.client.iterate({ query: document.toString(), variables: variables as Record<string, unknown> });
					let item: IteratorResult<AnyResult>;
					try {
						item = await results.next();
					} catch (error) {
						throw socketError(error, through.accepted);
					}
					return item.done ? { done: true, value: undefined } : { done: false, value: dataOf<Result>(item.value) };
				},
				async return() {
					ended = true;
					await results?.return?.();
					return { done: true, value: undefined };
				},
				[Symbol.asyncIterator]() {
					return this;
				},
			};
		},

		async *exportAudit(parameters) {
			const { url, token } = await endpoint();
			const address = new URL("/audit/export", url);
			address.search = parameters.toString();
			let response: Response;
			try {
				response = await fetch(address, {
					headers: { "accept-language": language, ...(agent === undefined ? {} : { "user-agent": agent }), ...authorization(token) },
				});
			} catch (error) {
				throw new SessionError("UNREACHABLE", `${address.origin}: ${reasonOf(error)}`, { cause: error });
			}
			if (!response.ok || response.body === null) throw await refusalOf(response, address);
			try {
				const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
				for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) yield decoder.decode(bytes, { stream: true });
			} catch (error) {
				throw new SessionError("UNREACHABLE", `${address.origin}: the export broke off: ${reasonOf(error)}`, { cause: error });
			}
		},

		async close() {
			const ending = socket;
			socket = null;
			await end(ending);
		},
	};
}

/** graphql-ws waits for a connection to be there before it ends it; one that is not is given up. */
async function end(socket: Socket | null): Promise<void> {
	if (socket?.accepted) await socket.client.dispose();
	else socket?.client.terminate();
}

/** What the server said of a request that it refused. */
async function refusalOf(response: Response, address: URL): Promise<SessionError> {
	const { code, message } = (await response.json().catch(() => ({}))) as { readonly code?: unknown; readonly message?: unknown };
	if (typeof code === "string") return new SessionError(code, String(message));
	return new SessionError("UNREACHABLE", `${address.origin}: answered ${response.status}`);
}

/** Null for what is no answer of a GraphQL server: some proxy's page. */
function resultIn(text: string): AnyResult | null {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return null;
	}
	return typeof value === "object" && value !== null && ("data" in value || "errors" in value) ? (value as AnyResult) : null;
}

function graphqlUrl(url: string): string {
	const address = new URL(url);
	if (!address.pathname.endsWith("/graphql")) address.pathname = `${address.pathname.replace(/\/$/, "")}/graphql`;
	return address.href;
}

function authorization(token: string | null): Record<string, string> {
	return token === null ? {} : { Authorization: `Bearer ${token}` };
}

/** Aborts after a time, and with another signal. */
function endAfter(ms: number, signal: AbortSignal | undefined): { readonly signal: AbortSignal; stop(): void } {
	const ending = new AbortController();
	const end = (): void => ending.abort(signal?.reason);
	const timer = setTimeout(() => ending.abort(new Error(`no answer after ${ms / 1_000} s`)), ms);
	if (signal?.aborted) end();
	signal?.addEventListener("abort", end, { once: true });
	return {
		signal: ending.signal,
		stop() {
			clearTimeout(timer);
			signal?.removeEventListener("abort", end);
		},
	};
}

function reasonOf(error: unknown): string {
	const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
	if (!(cause instanceof Error)) return String(cause);
	const { code } = cause as { readonly code?: unknown };
	return typeof code === "string" ? code : cause.message;
}

/** What graphql-ws throws: the errors of the operation, or the event that closed the socket. */
function socketError(error: unknown, accepted: boolean): SessionError {
	if (error instanceof SessionError) return error;
	if (Array.isArray(error)) {
		try {
			dataOf({ errors: error });
		} catch (first) {
			return first as SessionError;
		}
	}
	const { code, reason } = (error ?? {}) as { code?: unknown; reason?: unknown };
	if (code === 4401 || code === 4403)
		return new SessionError(accepted ? "TOKEN_EXPIRED" : "UNAUTHENTICATED", String(reason || "Unauthorized"), { cause: error });
	if (typeof code === "number" && FINAL_CLOSES.has(code))
		return new SessionError("INTERNAL", `the server closed the connection: ${code} ${String(reason ?? "")}`.trim(), { cause: error });
	const what = typeof code === "number" ? `closed (${code}${reason ? ` ${String(reason)}` : ""})` : reasonOf(error);
	return new SessionError("UNREACHABLE", `the connection was ${what}`, { cause: error });
}
