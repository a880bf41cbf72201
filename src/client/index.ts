/** `cachewarden/client`: the typed client of a server, for browsers and for Node, and every document that it knows. */
export {
	type CachewardenClient,
	type CallOptions,
	type ClientOptions,
	createClient,
	type Observer,
	type SubscribeOptions,
} from "./client.js";
export * from "./generated/graphql.js";
export { type OperationText, SessionError } from "./session.js";
export type { TokenSource } from "./token-keeper.js";
