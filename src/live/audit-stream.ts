import type { AuditEntry, AuditLog } from "../audit/port.js";
import { InOrder } from "./buffers.js";
import { SlowConsumerError } from "./port.js";
import { type Sink, subscription } from "./subscription.js";

export type AuditSource = Pick<AuditLog, "readAfter" | "onAppended">;
type Item = { readonly cursor: string; readonly entry: AuditEntry };

const REPLAY_PAGE = 200;

/**
 * Entries that the caller sees, each once and in order. With a cursor they are first read from the log, page by page, each
 * page when the reader has taken the one before; meanwhile new entries are collected, and when the log has been read to its
 * end, those of them that it did not give yet follow. Entries are never dropped: a reader with more than `maxWaiting` of
 * them before it ends with SlowConsumerError.
 */
export function auditStream(
	audit: AuditSource,
	after: string | null,
	sees: (entry: AuditEntry) => boolean,
	maxWaiting: number,
): AsyncIterableIterator<Item> {
	const buffer = after === null ? new LiveBuffer(sees, maxWaiting) : new ReplayBuffer(audit, after, sees, maxWaiting);
	return subscription(buffer, (sink) => {
		buffer.sink = sink;
		return audit.onAppended((item) => buffer.appended(item));
	});
}

class LiveBuffer extends InOrder<Item> {
	sink: Sink | null = null;
	private overflow: NodeJS.Immediate | null = null;

	constructor(
		protected readonly sees: (entry: AuditEntry) => boolean,
		private readonly maxWaiting: number,
	) {
		super();
	}

	appended(item: Item): void {
		if (!this.sees(item.entry)) return;
		this.push(item);
		this.sink?.wake();
		if (this.size <= this.maxWaiting || this.overflow !== null) return;
		// Entries that became durable together come in one turn of the event loop, in which nobody can read.
		this.overflow = setImmediate(() => {
			this.overflow = null;
			if (this.size > this.maxWaiting) this.sink?.fail(new SlowConsumerError());
		});
	}
}

class ReplayBuffer extends LiveBuffer {
	/** Entries that came while the log was being read; null once it has been read to its end. */
	private collected: Item[] | null = [];
	private reading = false;
	private sequence = 0;

	constructor(
		private readonly audit: AuditSource,
		private cursor: string,
		sees: (entry: AuditEntry) => boolean,
		maxWaiting: number,
	) {
		super(sees, maxWaiting);
	}

	override take(): { readonly value: Item } | null {
		const item = super.take();
		if (item === null && this.collected !== null) this.read();
		return item;
	}

	override appended(item: Item): void {
		if (this.collected === null) {
			// The log may have given an entry before it was announced here.
			if ((item.entry.sequence ?? 0) > this.sequence) super.appended(item);
			return;
		}
		this.collected.push(item);
		// The log has them too; what matters is the newest ones, where reading and listening meet.
		if (this.collected.length > REPLAY_PAGE) this.collected.shift();
	}

	private read(): void {
		if (this.reading) return;
		this.reading = true;
		this.audit.readAfter(this.cursor, REPLAY_PAGE).then(
			(items) => this.replayed(items),
			(error: unknown) => this.sink?.fail(error),
		);
	}

	private replayed(items: readonly Item[]): void {
		this.reading = false;
		const last = items.at(-1);
		if (last !== undefined) {
			this.cursor = last.cursor;
			this.sequence = last.entry.sequence ?? 0;
		}
		for (const item of items) if (this.sees(item.entry)) this.push(item);
		const collected = this.collected ?? [];
		const newer = collected.filter((item) => (item.entry.sequence ?? 0) > this.sequence);
		const first = newer[0]?.entry.sequence ?? this.sequence + 1;
		// The log's end was reached, and what was collected goes on right behind it.
		if (items.length < REPLAY_PAGE && first === this.sequence + 1) {
			this.collected = null;
			for (const item of newer) if (this.sees(item.entry)) this.push(item);
		}
		if (this.size > 0) this.sink?.wake();
		else if (this.collected !== null) this.read();
	}
}
