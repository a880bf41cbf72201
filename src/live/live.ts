import { type AuditSource, auditStream } from "./audit-stream.js";
import { type BackendSource, backendStream } from "./backend-changes.js";
import { type JobSource, jobStream, jobsStream } from "./job-streams.js";
import type { Live } from "./port.js";
import { statsStream } from "./stats-stream.js";

export interface LiveOptions {
	readonly jobs: JobSource;
	readonly audit: AuditSource;
	readonly onStatsChanged: (listener: () => void) => () => void;
	readonly backends: BackendSource;
	/** Audit entries, or jobs, that may wait for one reader before it is too slow. Default 1,000. */
	readonly maxWaiting?: number;
}

const DEFAULT_MAX_WAITING = 1000;

/** Streams over the events of ports; which adapter stands behind them makes no difference. */
export function openLive({ jobs, audit, onStatsChanged, backends, maxWaiting = DEFAULT_MAX_WAITING }: LiveOptions): Live {
	return {
		job: (id) => jobStream(jobs, id),
		jobs: (sees) => jobsStream(jobs, sees, maxWaiting),
		audit: (after, sees) => auditStream(audit, after, sees, maxWaiting),
		stats: (minIntervalMs) => statsStream(onStatsChanged, minIntervalMs),
		backends: () => backendStream(backends),
	};
}
