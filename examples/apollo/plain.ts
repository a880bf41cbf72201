import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";

/**
 * Apollo Client on a cachewarden server without cachewarden's client. A subscription that broke begins anew: fine for
 * progress and totals; who follows the audit log keeps the last cursor and subscribes again with it.
 */
export function connectPlainApollo(url: string, token: () => Promise<string>, webSocket?: unknown) {
	const socket = createClient({
		url: `${url.replace(/^http/, "ws")}/graphql`,
		connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
		retryAttempts: Number.POSITIVE_INFINITY,
		// 4403 is how the server ends a socket whose token has ended: the next one brings a new token.
		shouldRetry: () => true,
		webSocketImpl: webSocket,
	});
	const signIn = new SetContextLink(async () => ({ headers: { authorization: `Bearer ${await token()}` } }));
	const http = signIn.concat(new HttpLink({ uri: `${url}/graphql` }));
	const apollo = new ApolloClient({
		link: ApolloLink.split(({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION, new GraphQLWsLink(socket), http),
		cache: new InMemoryCache(),
	});
	return { apollo, socket };
}
