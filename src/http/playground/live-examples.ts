import { type Example, example } from "./example.js";

/** The members of a job's progress. */
export const PROGRESS =
	"sequence status phase percent processed total deletedEntries freedBytes etaSeconds byBackend { backend status processed total error }";

/** Of what is pushed. */
export const LIVE_EXAMPLES: readonly Example[] = [
	example(
		"subscription",
		"Totals, when they change",
		"统计变化时推送",
		`
subscription TotalsLive {
	cacheStatsChanged(minIntervalMs: 1000) { totalEntries totalBytes byType { type entries bytes } asOf }
}
`,
	),
	example(
		"subscription",
		"Cache layers that come and go",
		"缓存层状态变化时推送",
		`
subscription BackendsLive {
	backendStatusChanged { id kind available primary location version latencyMs usedMemoryBytes error checkedAt }
}
`,
	),
	example(
		"subscription",
		"Progress of every cleanup and clear",
		"所有清理任务的进度",
		`
subscription CleanupProgress($jobId: ID) {
	cleanupProgress(jobId: $jobId) { jobId ${PROGRESS} }
}
`,
		{ jobId: null },
	),
	example(
		"subscription",
		"Progress of jobs of any kind",
		"任意任务的进度",
		`
subscription JobProgress($kinds: [JobKind!]) {
	jobProgress(kinds: $kinds) { jobId ${PROGRESS} }
}
`,
		{ kinds: ["CLEANUP", "CLEAR", "DELETE"] },
	),
	example(
		"subscription",
		"The audit log, live",
		"审计日志实时推送",
		`
subscription AuditLive($after: String) {
	auditLogAdded(after: $after) {
		cursor
		node { sequence timestamp username action success errorMessage details jobId }
	}
}
`,
		{ after: null },
	),
];
