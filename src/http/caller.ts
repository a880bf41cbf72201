import type { IncomingMessage } from "node:http";
import type { Call, Origin } from "../core/actor.js";
import { CachewardenError } from "../core/errors.js";
import { type Locale, preferredLocale } from "../core/messages/catalogue.js";
import { mayCall } from "../core/roles.js";

const LONGEST_USER_AGENT = 256;
const LOOPBACK_ADDRESS = /^(?:(?:::ffff:)?127(?:\.\d{1,3}){3}|::1)$/;
const FORWARDED = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/** A request's call, apart from who acts. */
export type Origins = Omit<Call, "actor">;

export interface CallFacts {
	readonly ipAddress: string | null;
	/** GRAPHQL unless said otherwise. */
	readonly origin?: Origin;
	/** What is spoken to those who prefer none of our languages; English unless said otherwise. */
	readonly fallback?: Locale;
}

export function callFrom(
	request: IncomingMessage,
	requestId: string,
	{ ipAddress, origin = "GRAPHQL", fallback = "en" }: CallFacts,
): Origins {
	return {
		origin,
		requestId,
		ipAddress,
		userAgent: request.headers["user-agent"]?.slice(0, LONGEST_USER_AGENT) ?? null,
		locale: preferredLocale(request.headers["accept-language"], fallback),
	};
}

/**
 * True when the caller sits on this machine and called it by one of its own names. A proxy on this machine, or a page whose name
 * was bound anew to this address, is not that.
 */
export function isFromLoopback(request: IncomingMessage): boolean {
	if (FORWARDED.some((header) => header in request.headers)) return false;
	return isLoopbackAddress(request.socket.remoteAddress ?? "") && isLoopbackName(request.headers.host ?? "");
}

function isLoopbackAddress(address: string): boolean {
	return LOOPBACK_ADDRESS.test(address);
}

function isLoopbackName(host: string): boolean {
	const name = host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
	return name === "localhost" || isLoopbackAddress(name);
}

/** Whether the caller may read the schema and be helped with its names. */
export function seesSchema(actor: Call["actor"], fromLoopback: boolean): boolean {
	return fromLoopback || (actor !== null && mayCall(actor.roles, "introspection"));
}

export function refuseIntrospection(actor: Call["actor"]): never {
	throw new CachewardenError(actor === null ? "UNAUTHENTICATED" : "FORBIDDEN", { key: "http.noIntrospection", facts: {} });
}

/** What a 401 asks for. */
export function challengeOf(actor: Call["actor"]): string {
	return actor === null ? "Bearer" : 'Bearer error="invalid_token"';
}

/** The token of an `Authorization: Bearer …` text; null when it is none. */
export function bearerToken(text: unknown): string | null {
	const found = typeof text === "string" ? /^\s*Bearer\s+(\S+)\s*$/i.exec(text) : null;
	return found?.[1] ?? null;
}
