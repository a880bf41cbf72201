import type { FastifyPluginCallback } from "fastify";
import type { Logger } from "pino";
import type { Authenticator } from "../auth/authenticator.js";
import type { Catalog } from "../catalog/port.js";
import type { Config } from "../config/config.js";
import type { Clock } from "../core/clock.js";
import type { BackendKind } from "../core/entry.js";
import type { JobEngine } from "../jobs/port.js";
import type { LiveSource } from "../live/port.js";
import type { Operations } from "../operations/operations.js";

/** Whether one layer can serve; harmless enough for everybody. */
export interface LayerReadiness {
	readonly id: string;
	readonly kind: BackendKind;
	readonly available: boolean;
}

export interface Readiness {
	/** False while nothing useful can be answered: the first scan runs, or every layer is down. */
	readonly ready: boolean;
	readonly layers: readonly LayerReadiness[];
}

/** How long a client may take. Defaults in `DEFAULT_TIMING`. */
export interface Timing {
	/** To send a whole request. */
	readonly requestMs: number;
	/** To send a request's headers. */
	readonly headersMs: number;
	/** How often the two are checked. */
	readonly checkMs: number;
	/** To open a connection's conversation after its socket. */
	readonly connectionInitMs: number;
	/** Between two pings; a socket that answered none meanwhile is gone. */
	readonly pingMs: number;
}

export const DEFAULT_TIMING: Timing = { requestMs: 30_000, headersMs: 10_000, checkMs: 5_000, connectionInitMs: 3_000, pingMs: 15_000 };

/** What the server works with. Handed out by the composition root. */
export interface HttpDeps {
	readonly config: Pick<Config, "host" | "port" | "corsOrigins" | "limits" | "trustProxy" | "rateLimits">;
	readonly operations: Operations;
	readonly authenticator: Authenticator;
	readonly logger: Logger;
	readonly clock: Clock;
	readonly readiness: () => Promise<Readiness>;
	/** What metrics are drawn from. */
	readonly catalog: Pick<Catalog, "stats">;
	readonly jobs: Pick<JobEngine, "onChange">;
	/** Null where everything happens in this process. */
	readonly liveSource?: LiveSource | null;
	/** The queue engine's page; null where jobs are queued in this process. */
	readonly queueBoard?: FastifyPluginCallback | null;
	readonly timing?: Partial<Timing>;
}
