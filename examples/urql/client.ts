import { Client, cacheExchange, fetchExchange, subscriptionExchange, type TypedDocumentNode } from "@urql/core";
import { type CachewardenClient, createClient, type OperationText, type TokenSource } from "cachewarden/client";
import { parse } from "graphql";

/** urql on a cachewarden server. Tokens and subscriptions are looked after by cachewarden's client. */
export function connectUrql(url: string, token: TokenSource, webSocket?: unknown): { urql: Client; cachewarden: CachewardenClient } {
	const cachewarden = createClient({ url, token, webSocket });
	const urql = new Client({
		url: `${url}/graphql`,
		fetch: cachewarden.fetch,
		preferGetMethod: false,
		exchanges: [
			cacheExchange,
			fetchExchange,
			// Comes back after a break, the audit log where it broke off.
			subscriptionExchange({
				forwardSubscription: ({ query = "", variables }) => ({
					subscribe: (sink) => ({ unsubscribe: cachewarden.observe({ query, variables }, sink) }),
				}),
			}),
		],
	});
	return { urql, cachewarden };
}

/** A document of cachewarden/client as urql wants it, with its types. */
export function typed<Result, Variables>(document: OperationText<Result, Variables>): TypedDocumentNode<Result, Variables> {
	return parse(document.toString()) as TypedDocumentNode<Result, Variables>;
}
