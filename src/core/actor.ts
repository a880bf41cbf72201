import type { Locale } from "./messages/catalogue.js";
import type { Role } from "./roles.js";

export const ORIGINS = ["GRAPHQL", "REST", "CLI", "WORKER", "SCHEDULE", "WORKFLOW"] as const;
/** The way in by which an operation came. */
export type Origin = (typeof ORIGINS)[number];

/** Who acts. `id` is the token's `sub`. */
export interface Actor {
	readonly id: string;
	readonly username: string;
	readonly roles: readonly Role[];
	/** When the token ends, milliseconds since the epoch; null for the local command line. */
	readonly tokenExpiresAt: number | null;
	/** The token's `jti` or `sid`, for the audit log. */
	readonly sessionId: string | null;
}

/** What every operation is told about its call. */
export interface Call {
	/** Null when there was no valid token: operations then answer UNAUTHENTICATED. */
	readonly actor: Actor | null;
	readonly origin: Origin;
	readonly requestId: string;
	readonly ipAddress: string | null;
	readonly userAgent: string | null;
	readonly locale: Locale;
}
