import { Client, cacheExchange, type ExecutionResult, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";

/**
 * urql on a cachewarden server without cachewarden's client. A subscription that broke begins anew: fine for progress and
 * totals; who follows the audit log keeps the last cursor and subscribes again with it.
 */
export function connectPlainUrql(url: string, token: () => Promise<string>, webSocket?: unknown) {
	const socket = createClient({
		url: `${url.replace(/^http/, "ws")}/graphql`,
		connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
		retryAttempts: Number.POSITIVE_INFINITY,
		// 4403 is how the server ends a socket whose token has ended: the next one brings a new token.
		shouldRetry: () => true,
		webSocketImpl: webSocket,
	});
	const urql = new Client({
		url: `${url}/graphql`,
		preferGetMethod: false,
		fetch: async (input, init) => {
			const headers = new Headers(init?.headers);
			headers.set("authorization", `Bearer ${await token()}`);
			return fetch(input, { ...init, headers });
		},
		exchanges: [
			cacheExchange,
			fetchExchange,
			subscriptionExchange({
				forwardSubscription: ({ query = "", variables }) => ({
					subscribe: (sink) => ({
						unsubscribe: socket.subscribe(
							{ query, variables: variables ?? {} },
							{ ...sink, next: (result) => sink.next(result as ExecutionResult) },
						),
					}),
				}),
			}),
		],
	});
	return { urql, socket };
}
