/** What lies in the collections, and what is read from it. `operation_logs` has the field's document form. */
import { mongo } from "mongoose";
import type { Origin } from "../../core/actor.js";
import type { ErrorCode, Said } from "../../core/errors.js";
import { say } from "../../core/messages/catalogue.js";
import { contentSignature, contentText, type SequencedEntry, sameDigest } from "../chain.js";
import type { EntryContent, Written } from "../entry-content.js";
import { entryText } from "../entry-text.js";
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

export function entryDocument(secret: string, { content, text }: Written, createdAt: number): EntryDocument {
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
		signature: contentSignature(secret, text),
	};
}

/** Null for a document that some other program made of one of ours, beyond recognition. */
export function contentOf(document: EntryDocument): EntryContent | null {
	if (!(document.timestamp instanceof Date) || typeof document.details !== "object") return null;
	return {
		action: document.action,
		actionType: document.action_type,
		details: document.details,
		durationMs: document.duration_ms,
		errorCode: document.error_code as ErrorCode | null,
		errorMessage: document.error_said ?? document.error_message,
		id: document._id,
		ipAddress: document.ip_address,
		jobId: document.job_id,
		origin: document.origin as Origin,
		requestId: document.request_id,
		sessionId: document.session_id,
		success: document.success,
		timestamp: document.timestamp.getTime(),
		userAgent: document.user_agent,
		userId: document.user_id,
		username: document.username,
	};
}

/** What one of the processes that know the secret wrote; null when none of them wrote the document as it stands. */
export function genuine(secret: string, document: EntryDocument): Written | null {
	const content = contentOf(document);
	if (content === null) return null;
	const text = contentText(content);
	return sameDigest(contentSignature(secret, text), String(document.signature)) ? { content, text } : null;
}

export function sealDocument(
	content: EntryContent,
	place: { readonly sequence: number; readonly previousHash: string; readonly hash: string },
	about: { readonly sealedAt: number; readonly token: unknown; readonly sealer: string },
): SealDocument {
	return {
		_id: place.sequence,
		entry: content.id,
		previous_hash: place.previousHash,
		hash: place.hash,
		sealed_at: new Date(about.sealedAt),
		token: about.token,
		sealer: about.sealer,
		...filteredMembers(content),
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

/** What a keyword is looked for in. */
export function textOf(document: EntryDocument): string {
	return entryText(contentOf(document) ?? foreignEntry(document));
}

/** The members that `textOf` reads. */
export const TEXT_MEMBERS = { username: 1, action: 1, details: 1, error_message: 1, error_said: 1, timestamp: 1 } as const;

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
