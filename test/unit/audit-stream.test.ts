/** Where reading the log and listening to it meet, with the moments chosen by hand. */
import { describe, expect, it } from "@jest/globals";
import type { AuditEntry } from "../../src/audit/port.js";
import { type AuditSource, auditStream } from "../../src/live/audit-stream.js";

type Item = { readonly cursor: string; readonly entry: AuditEntry };

function turn(): Promise<void> {
	return new Promise((resolve) => {
		setImmediate(resolve);
	});
}

/** A log whose answers wait until they are let go. */
function heldLog() {
	const items: Item[] = [];
	const reads: { readonly cursor: string; readonly limit: number; readonly resolve: (items: Item[]) => void }[] = [];
	let listener: ((item: Item) => void) | null = null;
	const source: AuditSource = {
		readAfter: (cursor, limit) => new Promise((resolve) => reads.push({ cursor, limit, resolve })),
		onAppended: (own) => {
			listener = own;
			return () => {
				listener = null;
			};
		},
	};
	return {
		source,
		/** Makes entries durable, without announcing them. */
		append(count: number): Item[] {
			const added = Array.from({ length: count }, () => {
				const sequence = items.length + 1;
				const item = { cursor: String(sequence), entry: { sequence } as AuditEntry };
				items.push(item);
				return item;
			});
			return added;
		},
		announce(added: readonly Item[]): void {
			for (const item of added) listener?.(item);
		},
		/** Reads what is durable now for the oldest question; the answer arrives when what is returned is called. */
		async read(): Promise<() => Promise<void>> {
			while (reads.length === 0) await turn();
			const { cursor, limit, resolve } = reads.shift() as (typeof reads)[number];
			const found = items.filter(({ entry }) => (entry.sequence ?? 0) > Number(cursor)).slice(0, limit);
			return () => {
				resolve(found);
				return turn();
			};
		},
		listens: () => listener !== null,
	};
}

async function sequences(stream: AsyncIterableIterator<Item>, count: number): Promise<(number | null)[]> {
	const seen: (number | null)[] = [];
	while (seen.length < count) seen.push((await stream.next()).value.entry.sequence);
	return seen;
}

describe("an audit stream that replays", () => {
	it("does not repeat entries that the log gave before they were announced", async () => {
		const log = heldLog();
		const stream = auditStream(log.source, "0", () => true, 100);
		const first = stream.next();
		const three = log.append(3);
		await (await log.read())();
		expect([(await first).value.entry.sequence, ...(await sequences(stream, 2))]).toEqual([1, 2, 3]);
		log.announce(three);
		log.announce(log.append(1));
		expect(await sequences(stream, 1)).toEqual([4]);
		await stream.return?.();
		expect(log.listens()).toBe(false);
	});

	it("reads on when more was announced during a read than it collects", async () => {
		const log = heldLog();
		const stream = auditStream(log.source, "0", () => true, 1000);
		const all = sequences(stream, 906);
		log.append(5);
		const arrive = await log.read();
		log.announce(log.append(900));
		await arrive();
		for (let page = 0; page < 5; page++) await (await log.read())();
		log.announce(log.append(1));
		expect(await all).toEqual(Array.from({ length: 906 }, (_, i) => i + 1));
		await stream.return?.();
	});

	it("does not start reading again for a reader that has left", async () => {
		const log = heldLog();
		const stream = auditStream(log.source, "0", () => true, 100);
		const pending = stream.next();
		await stream.return?.();
		log.append(3);
		await (await log.read())();
		expect(await pending).toEqual({ done: true, value: undefined });
		expect(await stream.next()).toEqual({ done: true, value: undefined });
		expect(log.listens()).toBe(false);
	});
});
