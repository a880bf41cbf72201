import { mongo } from "mongoose";
import type { AuditFilter } from "../port.js";
import type { SealDocument } from "./documents.js";

/** A filter on seals, which hold what is filtered by; the keyword apart. Null when nothing of ours can match. */
export function conditionsOnSeals(filter: AuditFilter): mongo.Filter<SealDocument> | null {
	if (filter.foreign === true) return null;
	return {
		...(filter.userId === undefined ? {} : { user_id: filter.userId }),
		...(filter.actionTypes === undefined ? {} : { action_type: { $in: [...filter.actionTypes] } }),
		...(filter.success === undefined ? {} : { success: filter.success }),
		...(filter.jobId === undefined ? {} : { job_id: filter.jobId }),
		...timeRange(filter),
	};
}

/** The same on documents of other programs; null when none can match. They have no job. */
export function conditionsOnForeign(filter: AuditFilter): mongo.Filter<mongo.Document> | null {
	if (filter.foreign === false || filter.jobId !== undefined) return null;
	return {
		// Found by the index on origin.
		origin: null,
		signature: { $exists: false },
		...(filter.userId === undefined ? {} : { user_id: { $in: formsOf(filter.userId) } }),
		...(filter.actionTypes === undefined ? {} : { action_type: { $in: [...filter.actionTypes] } }),
		...(filter.success === undefined ? {} : { success: filter.success ? { $ne: false } : false }),
		timestamp: { $type: "date", ...timeRange(filter).timestamp },
	};
}

function timeRange({ since, until }: AuditFilter): { readonly timestamp?: { readonly $gte?: Date; readonly $lte?: Date } } {
	if (since === undefined && until === undefined) return {};
	return {
		timestamp: { ...(since === undefined ? {} : { $gte: new Date(since) }), ...(until === undefined ? {} : { $lte: new Date(until) }) },
	};
}

/** Other programs keep a user's id as text, number or ObjectId. */
function formsOf(userId: string): unknown[] {
	const forms: unknown[] = [userId];
	if (/^\d{1,15}$/.test(userId)) forms.push(Number(userId));
	if (/^[0-9a-f]{24}$/.test(userId)) forms.push(new mongo.ObjectId(userId));
	return forms;
}
