import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, Observable, type TypedDocumentNode } from "@apollo/client";
import { type CachewardenClient, createClient, type OperationText, type TokenSource } from "cachewarden/client";
import { OperationTypeNode, parse, print } from "graphql";

/** Apollo Client on a cachewarden server. Tokens and subscriptions are looked after by cachewarden's client. */
export function connectApollo(
	url: string,
	token: TokenSource,
	webSocket?: unknown,
): { apollo: ApolloClient; cachewarden: CachewardenClient } {
	const cachewarden = createClient({ url, token, webSocket });
	const http = new HttpLink({ uri: `${url}/graphql`, fetch: cachewarden.fetch });
	// Comes back after a break, the audit log where it broke off.
	const live = new ApolloLink(
		({ query, variables }) => new Observable((observer) => cachewarden.observe({ query: print(query), variables }, observer)),
	);
	const apollo = new ApolloClient({
		link: ApolloLink.split(({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION, live, http),
		cache: new InMemoryCache(),
	});
	return { apollo, cachewarden };
}

/** A document of cachewarden/client as Apollo wants it, with its types. */
export function typed<Result, Variables>(document: OperationText<Result, Variables>): TypedDocumentNode<Result, Variables> {
	return parse(document.toString()) as TypedDocumentNode<Result, Variables>;
}
