import { type Example, example } from "./example.js";
import { LIVE_EXAMPLES, PROGRESS } from "./live-examples.js";
import { WORKFLOW_EXAMPLES } from "./workflow-examples.js";

/** At least one for every field of Query, Mutation and Subscription. The first is what a visitor sees first. */
export const EXAMPLES: readonly Example[] = [
	example(
		"query",
		"Totals by type, layer and age",
		"按类型、缓存层和时间统计",
		`
query Totals {
	cacheStats {
		totalEntries
		totalBytes
		usage
		expiredEntries
		byType { type entries bytes }
		byBackend { backend available entries bytes oldestEntryAt newestEntryAt hits misses hitRate error asOf }
		byAge { maxAgeSeconds entries bytes }
		asOf
	}
}
`,
	),
	example(
		"query",
		"Who am I, and what may I do",
		"我是谁，能做什么",
		`
query WhoAmI {
	viewer { id username roles can tokenExpiresAt }
}
`,
	),
	example(
		"query",
		"The oldest entries first",
		"最旧的条目优先",
		`
query OldestEntries($first: Int, $after: String, $filter: CacheEntryFilter) {
	cacheDetails(first: $first, after: $after, filter: $filter, orderBy: { field: CREATED_AT, direction: ASC }) {
		totalCount
		totalBytes
		pageInfo { hasNextPage endCursor }
		nodes { id key type symbol size createdAt createdAtSource expiresAt status backend place }
	}
}
`,
		{ first: 10, after: null, filter: { statuses: ["EXPIRED"] } },
	),
	example(
		"query",
		"The largest entries, with their first bytes (OPERATOR)",
		"最大的条目及其开头内容（OPERATOR）",
		`
query LargestEntries {
	cacheDetails(first: 5, orderBy: { field: SIZE, direction: DESC }) {
		nodes { id key size preview(maxBytes: 200) { mediaType text truncated } }
	}
}
`,
	),
	example(
		"query",
		"One entry by its id",
		"按标识查询单个条目",
		`
query OneEntry($id: ID!) {
	cacheEntry(id: $id) { id key backend place type symbol source size createdAt status }
}
`,
		{ id: "e00000000000000000000" },
	),
	example(
		"query",
		"Anything by its id: an entry, a job, an audit entry",
		"按标识查询任意对象：条目、任务、审计记录",
		`
query Anything($id: ID!) {
	node(id: $id) {
		__typename
		id
		... on CacheEntry { key size }
		... on Job { kind status }
		... on AuditLogEntry { action success }
	}
}
`,
		{ id: "e00000000000000000000" },
	),
	example(
		"query",
		"The layers, and how they are",
		"各缓存层的状态",
		`
query Layers {
	backendInfo {
		system
		primaryBackend
		fallbackEnabled
		backends { id kind available primary location version latencyMs usedMemoryBytes error checkedAt }
	}
}
`,
	),
	example(
		"query",
		"What a cleanup would remove (OPERATOR)",
		"预览清理将删除的内容（OPERATOR）",
		`
query WouldRemove($input: CleanupInput!) {
	cleanupPreview(input: $input) {
		planId
		expiresAt
		entries
		bytes
		byBackend { backend entries bytes }
		byType { type entries bytes }
		sample(first: 5) { key size createdAt }
	}
}
`,
		{ input: { olderThanDays: 7 } },
	),
	example(
		"query",
		"Totals over the last day",
		"最近一天的统计变化",
		`
query History($since: DateTime!) {
	cacheStatsHistory(since: $since, bucket: HOUR) {
		at
		totalEntries
		totalBytes
		deletedEntries
		freedBytes
		byType { type entries bytes }
	}
}
`,
		{ since: "$YESTERDAY" },
	),
	example(
		"query",
		"The latest jobs",
		"最近的任务",
		`
query LatestJobs {
	jobs(first: 10) {
		totalCount
		nodes {
			id
			kind
			status
			requestedBy
			input
			createdAt
			finishedAt
			attempts
			progress { percent deletedEntries freedBytes failedEntries skippedEntries }
			error { code message }
		}
	}
}
`,
	),
	example(
		"query",
		"One job, with what it could not remove",
		"单个任务及其未能删除的条目",
		`
query OneJob($id: ID!) {
	job(id: $id) {
		id
		kind
		status
		progress { ${PROGRESS} steps { name status durationMs error } }
		failures(first: 20) { totalCount nodes { id code message } }
	}
}
`,
		{ id: "j…" },
	),
	example(
		"query",
		"The queue",
		"任务队列",
		`
query Queue {
	queueStats { engine queued running completed failed workers mine { pending processing concurrencyLimit } }
}
`,
	),
	example(
		"query",
		"The audit log, newest first",
		"审计日志（最新在前）",
		`
query AuditLog($filter: AuditLogFilter) {
	auditLog(first: 20, filter: $filter) {
		totalCount
		liveCursor
		pageInfo { hasNextPage endCursor }
		nodes { id sequence timestamp username origin action success errorCode errorMessage durationMs details jobId }
	}
}
`,
		{ filter: { actionTypes: ["cache_operation"] } },
	),
	example(
		"query",
		"What was done when",
		"操作统计",
		`
query AuditStats {
	auditStats(days: 30) { total succeeded failed successRate byActionType { actionType count } byHour { hour count } }
}
`,
	),
	example(
		"query",
		"Was the audit log tampered with (ADMIN)",
		"审计日志是否被篡改（ADMIN）",
		`
query Verify {
	auditVerify { valid checked problems(first: 5) { kind sequence entryId message } }
}
`,
	),
	example(
		"mutation",
		"Clean up what is older than 30 days (OPERATOR)",
		"清理 30 天前的缓存（OPERATOR）",
		`
mutation CleanUp($input: CleanupInput!) {
	cleanup(input: $input) {
		job { id status progress { percent matchedEntries deletedEntries freedBytes byBackend { backend status deletedEntries error } } }
	}
}
`,
		{ input: { olderThanDays: 30, wait: true } },
	),
	example(
		"mutation",
		"Clear a selection; confirm must be true (ADMIN)",
		"清空所选缓存；confirm 必须为 true（ADMIN）",
		`
mutation Clear($input: ClearInput!) {
	clear(input: $input) { job { id status progress { deletedEntries freedBytes } } }
}
`,
		{ input: { confirm: false, types: ["news"], wait: true } },
	),
	example(
		"mutation",
		"Delete single entries (OPERATOR)",
		"删除单个条目（OPERATOR）",
		`
mutation Delete($ids: [ID!]!) {
	deleteEntries(ids: $ids) { deletedIds freedBytes errors { id code message } job { id status } }
}
`,
		{ ids: ["e00000000000000000000"] },
	),
	example(
		"query",
		"Cleanups that are repeated",
		"定时清理任务",
		`
query Schedules {
	schedules {
		id name cron timeZone input owner paused nextRunAt
		lastRun { at jobId status error { code message } }
	}
}
`,
	),
	example(
		"mutation",
		"Repeat a cleanup every night (OPERATOR)",
		"每晚定时清理（OPERATOR）",
		`
mutation CreateSchedule($input: CreateScheduleInput!) {
	createSchedule(input: $input) { schedule { id name cron timeZone nextRunAt } }
}
`,
		{
			input: {
				name: "nightly",
				cron: "0 3 * * *",
				timeZone: "Asia/Shanghai",
				cleanup: { olderThanDays: 7, backends: ["FILE"] },
				paused: true,
			},
		},
	),
	example(
		"mutation",
		"Change, pause or resume a schedule (OPERATOR)",
		"修改、暂停或恢复定时任务（OPERATOR）",
		`
mutation UpdateSchedule($id: ID!, $input: UpdateScheduleInput!) {
	updateSchedule(id: $id, input: $input) { schedule { id paused nextRunAt } }
}
`,
		{ id: "s…", input: { paused: false } },
	),
	example(
		"mutation",
		"Run a schedule at once (OPERATOR)",
		"立即运行定时任务（OPERATOR）",
		`
mutation RunSchedule($id: ID!) {
	runScheduleNow(id: $id) { job { id status } schedule { id nextRunAt lastRun { at status } } }
}
`,
		{ id: "s…" },
	),
	example(
		"mutation",
		"Delete a schedule (OPERATOR)",
		"删除定时任务（OPERATOR）",
		`
mutation DeleteSchedule($id: ID!) {
	deleteSchedule(id: $id) { deletedId }
}
`,
		{ id: "s…" },
	),
	example(
		"mutation",
		"Stop a job",
		"取消任务",
		`
mutation Cancel($id: ID!) {
	cancelJob(id: $id) { job { id status progress { deletedEntries } } }
}
`,
		{ id: "j…" },
	),
	example(
		"mutation",
		"Run a failed job again",
		"重试失败的任务",
		`
mutation Retry($id: ID!) {
	retryJob(id: $id) { job { id status attempts } }
}
`,
		{ id: "j…" },
	),
	...LIVE_EXAMPLES,
	...WORKFLOW_EXAMPLES,
];
