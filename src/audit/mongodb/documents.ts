/** What lies in the collections, and what is read from it. `operation_logs` has the field's document form. */
import { mongo } from "mongoose";
import type { Origin } from "../../core/actor.js";
import type { ErrorCode, Said } from "../../core/errors.js";
import { say } from "../../core/messages/catalogue.js";
import { type SequencedEntry, sameDigest, writerSignature } from "../chain.js";
import type { EntryContent } from "../entry-content.js";
import type { AuditEntry, AuditIntent } from "../port.js";
import type { ChainRow } from "../verifier.js";

/** Inserted once, never updated. */
export interface EntryDocument {
	readonly _id: string;
	readonly user_id: string;
	readonly username: string;
	readonly action_type: string;
	readonly action: string;
	readonly details: AuditEntry["details"];
	readonly success: boolean;
	readonly error_code: string | null;
	/** As the original system's pages show it, in Chinese. */
	readonly error_message: string | null;
	/** The same before it is known who reads it. */
	readonly error_said: Said | null;
	readonly duration_ms: number | null;
	readonly ip_address: string | null;
	readonly user_agent: string | null;
	readonly session_id: string | null;
	readonly request_id: string | null;
	readonly job_id: string | null;
	readonly origin: string;
	readonly timestamp: Date;
	readonly created_at: Date;
	/** The writer's, over the content. */
	readonly signature: string;
}

/** `_id` is the sequence. The members that are filtered by stand here too, so that a page is read in the log's order. */
export interface SealDocument {
	readonly _id: number;
	readonly entry: string;
	readonly previous_hash: string;
	readonly hash: string;
	/** Never before that of the seal before. */
	readonly sealed_at: Date;
	/** Of the change that brought the entry to the sealer, in the last seal of each group; else null. */
	readonly token: unknown;
	readonly sealer: string;
	readonly user_id: string;
	readonly action_type: string;
	readonly success: boolean;
	readonly timestamp: Date;
	readonly job_id?: string;
}

/** Removed once the entry is sealed: an intent with an entry is one that waits for its seal. */
export interface IntentDocument {
	readonly _id: string;
	/** The data folder that it came from, which is the same after a restart. */
	readonly instance: string;
	/** The process. */
	readonly run: string;
	/** Null when the entry came from the spool whole. */
	readonly intent: AuditIntent | null;
	readonly signature: string;
	readonly created_at: Date;
}

export interface StateDocument {
	readonly _id: "log" | "sealer" | "cut" | "search";
	readonly log?: string;
	/** Tells whether two processes have the same AUDIT_SECRET, and not which. */
	readonly secret?: string;
	readonly holder?: string | null;
	readonly term?: number;
	readonly expires_at?: Date;
	/** Signed: a checkpoint as it stands in the file. */
	readonly line?: string;
	/** Segments of the keyword index that are whole. */
	readonly segments?: number;
}

/** One bit of the keyword index for all entries of a segment. */
export interface SliceDocument {
	readonly _id: string;
	readonly bits: mongo.Binary;
}

const MAX_DEPTH = 40;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** The same data as BSON keeps it: whole text, names that mean nothing to the driver, bounded depth. What is signed is what comes back. */
export function storable(value: unknown, depth = 0): unknown {
	if (typeof value === "string") return value.replace(LONE_SURROGATE, "\ufffd");
	if (typeof value === "number") return Number.isFinite(value) ? value : null;
	if (typeof value !== "object" || value === null) return typeof value === "bigint" ? String(value) : value;
	if (depth >= MAX_DEPTH) return "…";
	if (Array.isArray(value)) return value.map((item) => storable(item ?? null, depth + 1));
	return Object.fromEntries(
		Object.entries(value)
			.filter(([, member]) => member !== undefined)
			.map(([name, member]) => [storableName(name), storable(member, depth + 1)]),
	);
}

function storableName(name: string): string {
	return name
		.replace(LONE_SURROGATE, "\ufffd")
		.replaceAll("\0", "␀")
		.replace(/^\$/, "＄")
		.replace(/^_bsontype$/, "bsontype");
}

export function entryDocument(secret: string, content: EntryContent, createdAt: number): EntryDocument {
	const { errorMessage } = content;
	return {
		_id: content.id,
		user_id: content.userId,
		username: content.username,
		action_type: content.actionType,
		action: content.action,
		details: content.details,
		success: content.success,
		error_code: content.errorCode,
		error_message: typeof errorMessage === "object" && errorMessage !== null ? say("zh", errorMessage) : errorMessage,
		error_said: typeof errorMessage === "object" ? errorMessage : null,
		duration_ms: content.durationMs,
		ip_address: content.ipAddress,
		user_agent: content.userAgent,
		session_id: content.sessionId,
		request_id: content.requestId,
		job_id: content.jobId,
		origin: content.origin as string,
		timestamp: new Date(content.timestamp),
		created_at: new Date(createdAt),
		signature: writerSignature(secret, "content", content),
	};
}

/** Null for a document that some other program made of one of ours, beyond recognition. */
export function contentOf(document: EntryDocument): EntryContent | null {
	if (!(document.timestamp instanceof Date) || typeof document.details !== "object") return null;
	return {
		id: document._id,
		userId: document.user_id,
		username: document.username,
		sessionId: document.session_id,
		origin: document.origin as Origin,
		actionType: document.action_type,
		action: document.action,
		details: document.details,
		success: document.success,
		errorCode: document.error_code as ErrorCode | null,
		errorMessage: document.error_said ?? document.error_message,
		durationMs: document.duration_ms,
		ipAddress: document.ip_address,
		userAgent: document.user_agent,
		requestId: document.request_id,
		jobId: document.job_id,
		timestamp: document.timestamp.getTime(),
	};
}

/** Whether one of the processes that know the secret wrote it, as it stands. */
export function isOurs(secret: string, document: EntryDocument): boolean {
	const content = contentOf(document);
	return content !== null && sameDigest(writerSignature(secret, "content", content), String(document.signature));
}

export function sealDocument(
	{ entry, previousHash, hash }: ChainRow,
	about: { readonly sealedAt: number; readonly token: unknown; readonly sealer: string },
): SealDocument {
	return {
		_id: entry.sequence,
		entry: entry.id,
		previous_hash: previousHash,
		hash,
		sealed_at: new Date(about.sealedAt),
		token: about.token,
		sealer: about.sealer,
		...filteredMembers(entry),
	};
}

function filteredMembers(entry: EntryContent): Pick<SealDocument, "user_id" | "action_type" | "success" | "timestamp" | "job_id"> {
	return {
		user_id: entry.userId,
		action_type: entry.actionType,
		success: entry.success,
		timestamp: new Date(entry.timestamp),
		...(entry.jobId === null ? {} : { job_id: entry.jobId }),
	};
}

/** Whether a seal says of its entry what the entry says. */
export function agrees(seal: SealDocument, entry: SequencedEntry): boolean {
	const said = filteredMembers(entry);
	return (
		seal.user_id === said.user_id &&
		seal.action_type === said.action_type &&
		seal.success === said.success &&
		seal.job_id === said.job_id &&
		seal.timestamp instanceof Date &&
		seal.timestamp.getTime() === said.timestamp.getTime()
	);
}

/** What is no entry any more has no origin then, so it proves nothing. */
export function chainRow(seal: SealDocument, document: EntryDocument): ChainRow {
	const content = contentOf(document) ?? { ...foreignEntry(document), id: document._id };
	return { entry: { ...content, sequence: seal._id }, previousHash: String(seal.previous_hash), hash: String(seal.hash) };
}

/** What is shown of a sealed entry, also when somebody has changed it: verification names that. */
export function shownEntry(seal: SealDocument, document: EntryDocument): AuditEntry {
	const { entry, hash } = chainRow(seal, document);
	return { ...entry, hash };
}

/** A document of another program, whatever of the field's form it has. */
export function foreignEntry(document: mongo.Document): AuditEntry {
	const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
	const { details, timestamp, created_at: createdAt } = document;
	const at = timestamp instanceof Date ? timestamp : createdAt instanceof Date ? createdAt : new Date(0);
	return {
		id: foreignId(document._id),
		sequence: null,
		hash: null,
		userId: document.user_id === undefined || document.user_id === null ? "" : String(document.user_id),
		username: text(document.username) ?? "",
		sessionId: text(document.session_id),
		origin: null,
		actionType: text(document.action_type) ?? "",
		action: text(document.action) ?? "",
		details: typeof details === "object" && details !== null && !Array.isArray(details) ? details : { value: details ?? null },
		success: document.success !== false,
		errorCode: null,
		errorMessage: text(document.error_message),
		durationMs: typeof document.duration_ms === "number" ? Math.round(document.duration_ms) : null,
		ipAddress: text(document.ip_address),
		userAgent: text(document.user_agent),
		requestId: null,
		jobId: null,
		timestamp: at.getTime(),
	};
}

/** `o` and `u` are no digits of the ids that this program makes. */
export function foreignId(id: unknown): string {
	return id instanceof mongo.ObjectId ? `ao${id.toHexString()}` : `au${Buffer.from(String(id)).toString("hex")}`;
}

/** The other way round; null for an id of ours. */
export function idOfForeign(id: string): mongo.ObjectId | string | null {
	if (/^ao[0-9a-f]{24}$/.test(id)) return new mongo.ObjectId(id.slice(2));
	if (/^au([0-9a-f]{2})*$/.test(id)) return Buffer.from(id.slice(2), "hex").toString();
	return null;
}
