export const ROLES = ["VIEWER", "OPERATOR", "ADMIN"] as const;
export type Role = (typeof ROLES)[number];

/** What may be called, by whom. The one place that says so, for every way in. */
export const OPERATIONS = {
	viewer: { role: "VIEWER", kind: "query" },
	node: { role: "VIEWER", kind: "query" },
	cacheStats: { role: "VIEWER", kind: "query" },
	cacheDetails: { role: "VIEWER", kind: "query" },
	cacheEntry: { role: "VIEWER", kind: "query" },
	entryPreview: { role: "OPERATOR", kind: "field" },
	backendInfo: { role: "VIEWER", kind: "query" },
	cleanupPreview: { role: "VIEWER", kind: "query" },
	job: { role: "VIEWER", kind: "query" },
	jobs: { role: "VIEWER", kind: "query" },
	queueStats: { role: "VIEWER", kind: "query" },
	auditLog: { role: "VIEWER", kind: "query" },
	auditStats: { role: "VIEWER", kind: "query" },
	auditVerify: { role: "ADMIN", kind: "query" },
	cacheStatsHistory: { role: "VIEWER", kind: "query" },
	modelConfig: { role: "VIEWER", kind: "query" },
	modelCapability: { role: "VIEWER", kind: "query" },
	quarantine: { role: "VIEWER", kind: "query" },
	schedules: { role: "VIEWER", kind: "query" },
	introspection: { role: "ADMIN", kind: "query" },
	cleanup: { role: "OPERATOR", kind: "mutation" },
	clear: { role: "ADMIN", kind: "mutation" },
	deleteEntries: { role: "OPERATOR", kind: "mutation" },
	restoreJob: { role: "OPERATOR", kind: "mutation" },
	refresh: { role: "OPERATOR", kind: "mutation" },
	warmUp: { role: "OPERATOR", kind: "mutation" },
	syncDataSource: { role: "OPERATOR", kind: "mutation" },
	reportDataSourceSync: { role: "OPERATOR", kind: "mutation" },
	updateModelConfig: { role: "ADMIN", kind: "mutation" },
	cancelJob: { role: "OPERATOR", kind: "mutation" },
	retryJob: { role: "OPERATOR", kind: "mutation" },
	createSchedule: { role: "OPERATOR", kind: "mutation" },
	updateSchedule: { role: "OPERATOR", kind: "mutation" },
	deleteSchedule: { role: "OPERATOR", kind: "mutation" },
	runScheduleNow: { role: "OPERATOR", kind: "mutation" },
	cleanupProgress: { role: "VIEWER", kind: "subscription" },
	jobProgress: { role: "VIEWER", kind: "subscription" },
	auditLogAdded: { role: "VIEWER", kind: "subscription" },
	cacheStatsChanged: { role: "VIEWER", kind: "subscription" },
	backendStatusChanged: { role: "VIEWER", kind: "subscription" },
} as const satisfies Record<string, { role: Role; kind: "query" | "mutation" | "subscription" | "field" }>;

export type OperationName = keyof typeof OPERATIONS;

/** ADMIN may do what OPERATOR may, OPERATOR what VIEWER may. */
export function mayCall(roles: readonly Role[], operation: OperationName): boolean {
	const needed = ROLES.indexOf(OPERATIONS[operation].role);
	return roles.some((role) => ROLES.indexOf(role) >= needed);
}

/** Names of the mutations that these roles may call. */
export function callableMutations(roles: readonly Role[]): OperationName[] {
	const names = Object.keys(OPERATIONS) as OperationName[];
	return names.filter((name) => OPERATIONS[name].kind === "mutation" && mayCall(roles, name));
}
