import { join } from "node:path";
import type { Logger } from "pino";
import { type Clock, DAY_MS, HOUR_MS } from "../../core/clock.js";
import { CachewardenError } from "../../core/errors.js";
import { workerUrl } from "../../core/worker-url.js";
import { sortableId } from "../../store/sortable-id.js";
import type { Store } from "../../store/store.js";
import { StoreFailure } from "../../store/thrown.js";
import { cursorOf, placeOf } from "../cursor.js";
import type { AuditEntry, AuditLog, AuditProblem, AuditStats } from "../port.js";
import { withoutSecrets } from "../redact.js";
import { hoursIn } from "../zone-hours.js";
import type { storeModule } from "./procedures.js";

export interface EmbeddedAuditOptions {
	readonly store: Store;
	/** Key of the hash chain. Another one makes every entry look changed. */
	readonly secret: string;
	/** Where signed checkpoints go; best on another disk than the store. Default: `audit.checkpoints` in the store's folder. */
	readonly checkpointFile?: string;
	readonly keepDays: number;
	/** Tickets that unfinished jobs will end; every other intent without an end is recorded as INTERRUPTED now. */
	readonly ownedTickets: readonly string[];
	/** Default 8 MiB; 0 turns it off. */
	readonly reserveBytes?: number;
	readonly clock: Clock;
	readonly log: Pick<Logger, "info" | "warn" | "error">;
}

const DEFAULT_RESERVE_BYTES = 8 << 20;
/** More problems than anyone reads; the first ones say where to look. */
const MAX_PROBLEMS = 1000;

/** The audit log in the embedded store. The caller closes it before the store. */
export async function openEmbeddedAudit(options: EmbeddedAuditOptions): Promise<AuditLog> {
	const { store, secret, keepDays, clock, log } = options;
	const { write, read } = await store.use<typeof storeModule>("audit", workerUrl(import.meta.url, "./procedures.js"), {
		secret,
		checkpointFile: options.checkpointFile ?? join(store.dataDir, "audit.checkpoints"),
		reserveBytes: options.reserveBytes ?? DEFAULT_RESERVE_BYTES,
	});
	const listeners = new Set<(item: { readonly cursor: string; readonly entry: AuditEntry }) => void>();
	const { log: logId } = placeOf(await read.head());

	/** Answers come in the order of the log, so listeners are called in it. */
	function appended(entry: AuditEntry): void {
		const item = { cursor: cursorOf(logId, entry.sequence as number), entry };
		for (const listener of [...listeners]) {
			try {
				listener(item);
			} catch (error) {
				log.error({ err: error, entry: entry.id }, "a listener of the audit log failed");
			}
		}
	}

	async function interruptRest(): Promise<void> {
		let count = 0;
		for (;;) {
			const entries = await write.interruptSome(options.ownedTickets);
			if (entries.length === 0) break;
			count += entries.length;
		}
		if (count > 0) log.warn({ operations: count }, "operations of an earlier process were interrupted; the audit log has them");
	}

	let closed = false;
	let removing: Promise<void> = Promise.resolve();

	async function removeSlices(before: number): Promise<void> {
		let removed: number;
		do removed = await write.removeSome(before);
		while (removed > 0 && !closed);
	}

	/** In the background: a log that was not opened for long may hold much that is old. */
	function removeOld(): void {
		const before = clock.now() - keepDays * DAY_MS;
		removing = removing
			.then(() => removeSlices(before))
			.catch((error: unknown) => log.error({ err: error }, "old audit entries could not be removed; tried again in an hour"));
	}

	await interruptRest();
	removeOld();
	const retention = setInterval(removeOld, HOUR_MS).unref();

	return {
		async begin(intent) {
			const ticket = sortableId("a", clock.now());
			await available(write.begin({ ticket, intent: withoutSecrets(intent) as typeof intent }));
			return ticket;
		},

		async end(ticket, outcome) {
			const entry = await available(write.end({ ticket, outcome: withoutSecrets(outcome) as typeof outcome }));
			if (entry !== null) appended(entry);
		},

		withdraw: (ticket) => available(write.withdraw(ticket)),
		page: (filter, page) => read.page({ filter, page }),
		slice: (filter, cursor, limit) => read.slice({ filter, cursor, limit }),
		get: (id) => read.get(id),

		async stats(filter, timeZone): Promise<AuditStats> {
			const byHour = hoursIn(timeZone);
			const { byType, byQuarter } = await read.stats(filter);
			const succeeded = byType.filter((row) => row.success === 1).reduce((sum, row) => sum + row.count, 0);
			const total = byType.reduce((sum, row) => sum + row.count, 0);
			const types = new Map<string, number>();
			for (const { actionType, count } of byType) types.set(actionType, (types.get(actionType) ?? 0) + count);
			return {
				total,
				succeeded,
				failed: total - succeeded,
				byActionType: [...types].map(([actionType, count]) => ({ actionType, count })).sort((a, b) => b.count - a.count),
				byHour: byHour(byQuarter),
			};
		},

		async verify(range) {
			const started = await read.verifyStart(range);
			const problems: AuditProblem[] = [...started.problems];
			let checked = 0;
			for (let work: typeof started.work | null = started.work; work !== null; ) {
				const some = await read.verifySome(work);
				problems.push(...some.problems.slice(0, MAX_PROBLEMS - problems.length));
				checked = some.state.checked;
				work = some.work;
			}
			return { checked, problems };
		},

		readAfter: (cursor, limit) => read.readAfter({ cursor, limit }),
		head: () => read.head(),

		onAppended(listener) {
			// A function of its own, so that one listener registered twice is two.
			const own: typeof listener = (item) => listener(item);
			listeners.add(own);
			return () => {
				listeners.delete(own);
			};
		},

		async close() {
			closed = true;
			clearInterval(retention);
			await removing;
		},
	};
}

async function available<T>(call: Promise<T>): Promise<T> {
	try {
		return await call;
	} catch (error) {
		if (!(error instanceof StoreFailure)) throw error;
		throw new CachewardenError("AUDIT_UNAVAILABLE", undefined, { cause: error });
	}
}
