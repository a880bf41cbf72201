import { connectRemote } from "./remote.js";
import { type OperationText, SessionError } from "./session.js";
import { resumingSubscription } from "./subscription.js";
import { isRefusal, keepToken, type TokenSource } from "./token-keeper.js";

export interface ClientOptions {
	/** The server: `http://host:port`, with or without `/graphql`. */
	readonly url: string;
	/**
	 * A token, or where one comes from: asked when there is none yet, and again when the server no longer takes the last
	 * one (401, or a socket closed with 4403). Null, or a token that is refused right after it was given, ends what was
	 * asked with UNAUTHENTICATED; a failure counts as one of the network.
	 */
	readonly token: TokenSource;
	/** Language of messages; `en` by default. */
	readonly language?: "en" | "zh";
	/** The platform's own by default; Node before 22 has none: give it that of the package `ws`. */
	readonly webSocket?: unknown;
	/** For an answer over HTTP; 600,000 by default: a cache of millions may have to be read first. */
	readonly timeoutMs?: number;
	/** How often an open socket is asked whether the server is still there, and how long it has for answering; 15,000 by default. */
	readonly pingMs?: number;
	/** How long a subscription tries to come back; for ever by default. */
	readonly patienceMs?: number;
}

export interface CallOptions {
	/** Ends the waiting; what the server began, it goes on with. */
	readonly signal?: AbortSignal;
}

export interface SubscribeOptions {
	/** Ends the subscription as if it had ended by itself. */
	readonly signal?: AbortSignal;
	/** Told of each break that is going to be mended, with the pause before the next try. */
	readonly onBreak?: (error: SessionError, pauseMs: number) => void;
}

/** What other GraphQL clients call a sink or an observer. */
export interface Observer {
	next(result: { readonly data: Record<string, unknown> }): void;
	error(error: SessionError): void;
	complete(): void;
}

/** Variables may be left out when none is required. */
type Given<Variables, Options> =
	Record<string, never> extends Variables ? [variables?: Variables | null, options?: Options] : [variables: Variables, options?: Options];

export interface CachewardenClient {
	/** A query or a mutation. Throws {SessionError}, also when only a part of the answer failed. */
	execute<Result, Variables>(document: OperationText<Result, Variables>, ...given: Given<Variables, CallOptions>): Promise<Result>;
	/**
	 * A subscription that comes back by itself: with a new token, after a break, across a restart of the server. The audit
	 * log goes on after its last cursor, without gap or repeat; progress never steps back. `return()`, leaving the loop
	 * and the signal end it at once. Throws {SessionError} for what the server refuses.
	 */
	subscribe<Result, Variables>(
		document: OperationText<Result, Variables>,
		...given: Given<Variables, SubscribeOptions>
	): AsyncIterableIterator<Result>;
	/** The same for Apollo Client, urql and whoever else observes; returns the way to stop, after which nothing is told. */
	observe(
		request: { readonly query: string; readonly variables?: Readonly<Record<string, unknown>> | undefined },
		observer: Observer,
		options?: SubscribeOptions,
	): () => void;
	/**
	 * As the platform's, with the token, and with another one when the server refuses it: for the HTTP side of Apollo Client
	 * and urql. Throws for an address of another origin than the server's, which must not see the token.
	 */
	readonly fetch: typeof globalThis.fetch;
	/** Ends what is open. May be called twice. */
	close(): Promise<void>;
}

/**
 * The typed client of a server, in browsers and in Node.
 *
 * @example
 * const client = createClient({ url: "http://127.0.0.1:4000", token: () => signIn() });
 * const { cacheStats } = await client.execute(StatsDocument, { fresh: true });
 * for await (const { auditLogAdded } of client.subscribe(AuditLogAddedDocument)) show(auditLogAdded.node);
 */
export function createClient(options: ClientOptions): CachewardenClient {
	if (!URL.canParse(options.url) || !/^https?:$/.test(new URL(options.url).protocol))
		throw new SessionError("BAD_USER_INPUT", `url must be an http or https address, not ${options.url}`);
	const tokens = keepToken(options.token);
	const session = connectRemote({ ...options, endpoint: async () => ({ url: options.url, token: await tokens.current() }) });
	const closing = new AbortController();

	async function execute<Result, Variables>(
		document: OperationText<Result, Variables>,
		variables: Variables,
		signal?: AbortSignal,
	): Promise<Result> {
		const token = await tokens.current();
		try {
			return await session.execute(document, variables, signal);
		} catch (error) {
			// Refused before anything was done, so it may be asked again.
			if (!isRefusal(error) || !tokens.refused(token)) throw error;
			return session.execute(document, variables, signal);
		}
	}

	function subscribe<Result, Variables>(
		document: OperationText<Result, Variables>,
		variables: Readonly<Record<string, unknown>>,
		{ signal, onBreak }: SubscribeOptions,
	): AsyncIterableIterator<Result> {
		return resumingSubscription(
			{ session, tokens },
			{ document, variables },
			{
				patienceMs: options.patienceMs ?? Number.POSITIVE_INFINITY,
				signal: signal ? AbortSignal.any([signal, closing.signal]) : closing.signal,
				...(onBreak ? { onBreak } : {}),
			},
		);
	}

	async function authorized(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
		const origin = new URL(options.url).origin;
		const request = new Request(input, init);
		if (new URL(request.url).origin !== origin) throw new SessionError("BAD_USER_INPUT", `${request.url} is not at ${origin}`);
		// A request can be sent once; another try needs another one.
		const again = request.clone();
		const token = await tokens.current();
		const response = await fetch(signed(request, token));
		if (response.status !== 401 || !tokens.refused(token)) return response;
		return fetch(signed(again, await tokens.current()));
	}

	return {
		fetch: authorized,
		execute: (document, ...[variables, call]) => execute(document, (variables ?? {}) as never, call?.signal),
		subscribe: (document, ...[variables, given]) => subscribe(document, { ...variables }, given ?? {}),
		observe({ query, variables = {} }, observer, given = {}) {
			const results = subscribe(query as OperationText<Record<string, unknown>, unknown>, variables, given);
			let stopped = false;
			void tell();
			return () => {
				stopped = true;
				void results.return?.();
			};

			async function tell(): Promise<void> {
				try {
					for await (const data of results) if (!stopped) observer.next({ data });
				} catch (error) {
					if (!stopped) observer.error(error as SessionError);
					return;
				}
				if (!stopped) observer.complete();
			}
		},
		async close() {
			closing.abort();
			await session.close();
		},
	};
}

function signed(request: Request, token: string | null): Request {
	if (token !== null) request.headers.set("authorization", `Bearer ${token}`);
	return request;
}
