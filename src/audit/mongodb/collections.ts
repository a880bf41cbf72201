import { randomBytes } from "node:crypto";
import type { mongo } from "mongoose";
import { CachewardenError } from "../../core/errors.js";
import { signatureOf } from "../chain.js";
import type { EntryDocument, IntentDocument, SealDocument, SliceDocument, StateDocument } from "./documents.js";

/** Names in the field's own style; `operation_logs` is shared with the original system. */
export const LOGS = "operation_logs";
export const SEALS = "operation_log_seals";
const INTENTS = "operation_log_intents";
const STATE = "operation_log_state";
const SEARCH = "operation_log_search";
export const OWN_COLLECTIONS = [LOGS, SEALS, INTENTS, STATE, SEARCH] as const;

export interface Collections {
	/** Entries of ours, and whatever the original system wrote. */
	readonly logs: mongo.Collection<EntryDocument>;
	readonly seals: mongo.Collection<SealDocument>;
	readonly intents: mongo.Collection<IntentDocument>;
	/** The lease of the sealer, the log's name, and where retention cut it. */
	readonly state: mongo.Collection<StateDocument>;
	readonly search: mongo.Collection<SliceDocument>;
}

export function collectionsOf(db: mongo.Db): Collections {
	return {
		logs: db.collection(LOGS),
		seals: db.collection(SEALS),
		intents: db.collection(INTENTS),
		state: db.collection(STATE),
		search: db.collection(SEARCH),
	};
}

/**
 * Makes what is missing, and gives the log's name: ten hexadecimal digits, made by whoever comes first. AUDIT_UNAVAILABLE
 * for a process whose secret is another one than theirs: it would seal nothing that they write, and they nothing of its own.
 */
export async function prepareCollections({ logs, seals, state }: Collections, secret: string): Promise<string> {
	await seals.createIndexes([
		// No entry is sealed twice, however many sealers there are for a moment.
		{ key: { entry: 1 }, unique: true },
		{ key: { user_id: 1, _id: -1 } },
		{ key: { action_type: 1, _id: -1 } },
		{ key: { job_id: 1, _id: -1 }, partialFilterExpression: { job_id: { $exists: true } } },
		{ key: { success: 1, _id: -1 }, partialFilterExpression: { success: false } },
		{ key: { timestamp: 1, action_type: 1, success: 1 } },
	]);
	// Documents of other programs have no origin; ours are found by their seals and cost nothing here.
	await logs.createIndexes([{ key: { timestamp: -1, _id: -1 }, name: "cachewarden_foreign", partialFilterExpression: { origin: null } }]);
	const made = { log: randomBytes(5).toString("hex"), secret: signatureOf(secret, "which secret this is") };
	const kept = await state.findOneAndUpdate({ _id: "log" }, { $setOnInsert: made }, { upsert: true, returnDocument: "after" });
	if ((kept?.secret ?? made.secret) !== made.secret)
		throw new CachewardenError("AUDIT_UNAVAILABLE", { key: "audit.otherSecret", facts: {} });
	return kept?.log ?? made.log;
}
