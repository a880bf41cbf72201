import type { mongo } from "mongoose";
import { IdMaker } from "../../store/sortable-id.js";
import type { Written } from "../entry-content.js";
import type { EntryDocument } from "./documents.js";

/** What the change stream brings of an entry of this process, which has the rest of it. */
export type EntryNotice = Pick<EntryDocument, "_id" | "signature"> & { readonly notice: true };

/** An expression on change events: a notice of entries whose ids have the mark, others whole. */
export function noticeOfOwn(mark: string): mongo.Document {
	const whole = "$fullDocument";
	const id = `${whole}._id`;
	const own = { $eq: [{ $substrCP: [id, IdMaker.MARK_AT, IdMaker.MARK_CHARACTERS] }, mark] };
	const notice = { _id: id, signature: `${whole}.signature`, notice: { $literal: true } };
	// Somebody else's id may be anything, and only of a text parts can be had.
	return { $cond: [{ $eq: [{ $type: id }, "string"] }, { $cond: [own, notice, whole] }, whole] };
}

/** Entries on their way to their seals; older ones are read again when theirs come. */
const MAX_RECENT = 5_000;

/** The entries that this process wrote or was brought and that are not announced yet. */
export class RecentEntries {
	private readonly entries = new Map<string, { readonly document: EntryDocument; readonly written: Written | null }>();

	/** Of this process. */
	wrote(document: EntryDocument, written: Written): void {
		this.keep(document, written);
	}

	/** As the change stream brings it; null for one of this process that was changed since, or is not remembered. */
	arrived(brought: EntryDocument | EntryNotice): EntryDocument | null {
		const known = this.entries.get(brought._id);
		if (known !== undefined && known.document.signature === brought.signature) return known.document;
		if ("notice" in brought) return null;
		this.keep(brought, null);
		return brought;
	}

	get(id: string): EntryDocument | undefined {
		return this.entries.get(id)?.document;
	}

	/**
	 * What this process wrote under the signature of a document. A signature belongs to one content, so the sealer need not
	 * make it again; where the document was changed since, its seal is that of what was written, and verification names it.
	 */
	written({ _id, signature }: EntryDocument): Written | null {
		const known = this.entries.get(_id);
		return known?.document.signature === signature ? known.written : null;
	}

	forget(id: string): void {
		this.entries.delete(id);
	}

	private keep(document: EntryDocument, written: Written | null): void {
		this.entries.set(document._id, { document, written });
		if (this.entries.size <= MAX_RECENT) return;
		for (const oldest of this.entries.keys()) {
			this.entries.delete(oldest);
			return;
		}
	}
}
