import { registerEnumType } from "type-graphql";
import { ORIGINS } from "../core/actor.js";
import { BACKEND_KINDS, CREATED_AT_SOURCES, ENTRY_STATUSES } from "../core/entry.js";
import { ERRORS } from "../core/errors.js";
import { JOB_KINDS, JOB_STATUSES } from "../core/job.js";
import { ROLES } from "../core/roles.js";
import { ENTRY_ORDER_FIELDS } from "../core/selection.js";

function enumOf<const T extends string>(name: string, values: readonly T[], description?: string): { readonly [V in T]: V } {
	const members = Object.fromEntries(values.map((value) => [value, value])) as { readonly [V in T]: V };
	registerEnumType(members, description === undefined ? { name } : { name, description });
	return members;
}

export const BackendKindEnum = enumOf("BackendKind", BACKEND_KINDS);
export const EntryStatusEnum = enumOf(
	"EntryStatus",
	ENTRY_STATUSES,
	"STALE: expired softly, still readable. ORPHANED: metadata without data.",
);
export const CreatedAtSourceEnum = enumOf(
	"CreatedAtSource",
	CREATED_AT_SOURCES,
	"RECORDED by the writer, MODIFIED time of the file, EXPIRY minus the full time to live, UNKNOWN: then never cleaned up by age.",
);
export const ErrorCodeEnum = enumOf("ErrorCode", Object.keys(ERRORS) as (keyof typeof ERRORS)[]);
export const JobKindEnum = enumOf("JobKind", JOB_KINDS);
export const JobStatusEnum = enumOf("JobStatus", JOB_STATUSES);
export const RoleEnum = enumOf("Role", ROLES);
export const SortDirectionEnum = enumOf("SortDirection", ["ASC", "DESC"]);
export const EntryOrderFieldEnum = enumOf("EntryOrderField", ENTRY_ORDER_FIELDS);
export const ConfigChangeStatusEnum = enumOf("ConfigChangeStatus", ["APPLIED", "ROLLED_BACK"]);
export const HistoryBucketEnum = enumOf("HistoryBucket", ["MINUTE", "HOUR", "DAY"]);
export const OriginEnum = enumOf("Origin", ORIGINS);
export const AuditProblemKindEnum = enumOf("AuditProblemKind", ["EDITED", "MISSING", "INSERTED", "TAIL_CUT"]);
