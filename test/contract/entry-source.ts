/** What every layer that is a server must tell the catalog, whatever it is. */
import { afterEach, describe, expect, it } from "@jest/globals";
import type { EntrySource, ReportedEntry, SourceListener } from "../../src/backends/entry-source.js";
import { eventually } from "../testkit/eventually.js";

export interface SourceHarness {
	readonly source: EntrySource;
	/** The place that `write` writes to. */
	readonly place: string;
	/** Whether this server reports changes. */
	readonly follows: boolean;
	/** Another program writes so many new entries, created now; their keys. */
	write(count: number): Promise<string[]>;
	/** Another program writes a longer value under the same key. */
	rewrite(key: string): Promise<void>;
	vanish(key: string): Promise<void>;
	/** Another program writes what belongs to no configured place. */
	writeElsewhere(): Promise<void>;
	/** Nothing gets to the server or back any more, and open connections are reset. */
	cut(): Promise<void>;
	mend(): Promise<void>;
	/** Removes everything that the harness made, the source too. */
	close(): Promise<void>;
}

const never = new AbortController().signal;
const WITHIN = { withinMs: 20_000 };

/** What was told, and asks nobody anything. */
class Heard implements SourceListener {
	readonly keys = new Set<string>();
	readonly breaks: (string | null)[] = [];

	changed(_: string, keys: readonly string[]): void {
		for (const key of keys) this.keys.add(key);
	}

	broken(place: string | null): void {
		this.breaks.push(place);
	}
}

async function scanned(source: EntrySource, places: readonly string[]): Promise<Map<string, ReportedEntry>> {
	const found = new Map<string, ReportedEntry>();
	await source.scan(
		places,
		async (place, entries) => {
			expect(places).toContain(place);
			expect(entries.length).toBeGreaterThan(0);
			expect(entries.length).toBeLessThanOrEqual(2_000);
			for (const entry of entries) found.set(entry.key, entry);
		},
		never,
	);
	return found;
}

export function entrySourceContract(name: string, makeHarness: () => Promise<SourceHarness>): void {
	describe(`the source of entries, ${name}`, () => {
		let harness: SourceHarness;
		async function opened(count: number): Promise<[string, ...string[]]> {
			harness = await makeHarness();
			return (await harness.write(count)) as [string, ...string[]];
		}
		afterEach(() => harness.close());

		it("tells every entry of its places, and nothing that lies in none of them", async () => {
			const keys = await opened(2_200);
			await harness.writeElsewhere();
			const { source, place } = harness;
			expect(source.places).toContain(place);
			const began = Date.now();
			const found = await scanned(source, source.places);
			expect([...found.keys()].sort()).toEqual([...keys].sort());
			for (const { key, size, createdAt, locator, fingerprint, type } of found.values()) {
				expect(size).toBeGreaterThan(0);
				expect(createdAt).toBeLessThanOrEqual(began);
				expect(createdAt).toBeGreaterThan(began - 3_600_000);
				expect(locator).toContain(key);
				expect(fingerprint.data ?? fingerprint.metadata).not.toBeNull();
				expect(type).not.toBe("");
			}
		});

		it("finds nothing in places that are empty", async () => {
			harness = await makeHarness();
			expect((await scanned(harness.source, harness.source.places)).size).toBe(0);
		});

		it("misses nothing of what stays while others write and remove", async () => {
			const keys = await opened(2_200);
			const going = keys.filter((_, i) => i % 3 === 0);
			const staying = keys.filter((_, i) => i % 3 !== 0);
			let busy = true;
			const writer = (async () => {
				for (const key of going) {
					if (!busy) return;
					await harness.vanish(key);
					await harness.write(1);
				}
			})();
			const found = await scanned(harness.source, [harness.place]);
			busy = false;
			await writer;
			for (const key of staying) expect(found.has(key)).toBe(true);
		});

		it("waits for each batch to be taken", async () => {
			await opened(2_500);
			let inside = 0;
			let batches = 0;
			await harness.source.scan(
				[harness.place],
				async () => {
					expect(++inside).toBe(1);
					batches++;
					await new Promise((turn) => setImmediate(turn));
					inside--;
				},
				never,
			);
			expect(batches).toBeGreaterThan(1);
		});

		it("ends with what the taking of a batch failed with", async () => {
			await opened(10);
			const refusal = new Error("the index is full");
			await expect(harness.source.scan([harness.place], () => Promise.reject(refusal), never)).rejects.toBe(refusal);
		});

		it("ends as its signal says, and delivers nothing more", async () => {
			await opened(2_500);
			const cancel = new AbortController();
			const reason = new Error("not needed any more");
			let batches = 0;
			const scanning = harness.source.scan(
				[harness.place],
				async () => {
					batches++;
					cancel.abort(reason);
				},
				cancel.signal,
			);
			await expect(scanning).rejects.toBe(reason);
			expect(batches).toBe(1);
		});

		it("reads single entries as they are now, the same way as a scan does", async () => {
			const [first, second, third] = (await opened(3)) as [string, string, string];
			const { source, place } = harness;
			const before = await scanned(source, [place]);
			await harness.rewrite(first);
			await harness.vanish(second);
			const read = new Map((await source.read(place, [first, second, third, "no such key"])).map((entry) => [entry.key, entry]));
			expect([...read.keys()].sort()).toEqual([first, third].sort());
			// Servers tell idle times in whole seconds: the moment of the last use is a second off now and then.
			const { lastAccessedAt, ...same } = before.get(third) as ReportedEntry;
			expect(read.get(third)).toMatchObject(same);
			expect(Math.abs((read.get(third)?.lastAccessedAt ?? 0) - (lastAccessedAt ?? 0))).toBeLessThanOrEqual(2_000);
			expect(read.get(first)?.fingerprint).not.toEqual(before.get(first)?.fingerprint);
			expect(read.get(first)?.size).toBeGreaterThan(before.get(first)?.size as number);
			expect(await source.read(place, [])).toEqual([]);
		});

		it("tells what changes, or says for each place why it does not", async () => {
			const [rewritten, vanished] = (await opened(2)) as [string, string];
			const { source, place, follows } = harness;
			const heard = new Heard();
			const problems = await source.watch(heard);
			expect([...problems.keys()].sort()).toEqual([...source.places].sort());
			if (!follows) {
				for (const problem of problems.values()) expect(problem).toMatch(/\w+ \w+/);
				expect(await source.barrier()).toBe(false);
				return;
			}
			expect(problems.get(place)).toBeNull();
			const [added] = await harness.write(1);
			await harness.rewrite(rewritten);
			await harness.vanish(vanished);
			await harness.writeElsewhere();
			// Changes are told until then without having been asked for.
			await eventually(() => expect([...heard.keys].sort()).toEqual([added, rewritten, vanished].sort()), WITHIN);
			expect(heard.breaks).toEqual([]);
		});

		it("has told everything from before the call when a barrier resolves", async () => {
			harness = await makeHarness();
			const { source, follows } = harness;
			expect(await source.barrier()).toBe(false);
			const heard = new Heard();
			await source.watch(heard);
			for (let round = 0; round < 5; round++) {
				const keys = await harness.write(300);
				const certain = await source.barrier();
				expect(certain).toBe(follows);
				if (certain) expect(keys.filter((key) => !heard.keys.has(key))).toEqual([]);
			}
		});

		it("goes on by itself after its connection was lost: tells what changed meanwhile, or that something may be missing", async () => {
			const [before] = await opened(1);
			const { source, place, follows } = harness;
			const heard = new Heard();
			await source.watch(heard);
			await harness.cut();
			expect(await source.barrier()).toBe(false);
			const [meanwhile] = (await harness.write(1)) as [string];
			await harness.mend();
			if (!follows) return;
			const known = (): boolean => heard.keys.has(meanwhile) || heard.breaks.some((broken) => broken === null || broken === place);
			await eventually(() => expect(known()).toBe(true), WITHIN);
			await eventually(async () => expect((await source.watch(heard)).get(place)).toBeNull(), WITHIN);
			await harness.rewrite(before);
			await eventually(() => expect(heard.keys.has(before)).toBe(true), WITHIN);
			await eventually(async () => expect(await source.barrier()).toBe(true), WITHIN);
		});

		it("says in time that its server is away, and comes back by itself", async () => {
			const keys = await opened(10);
			const { source, place } = harness;
			await source.counters();
			await harness.cut();
			const asked = performance.now();
			await expect(source.counters()).rejects.toMatchObject({ code: expect.stringMatching(/^BACKEND_(UNAVAILABLE|TIMEOUT)$/) });
			expect(performance.now() - asked).toBeLessThan(1_600);
			await expect(source.scan([place], async () => undefined, never)).rejects.toMatchObject({
				code: expect.stringMatching(/^BACKEND_(UNAVAILABLE|TIMEOUT)$/),
			});
			await expect(source.read(place, keys)).rejects.toMatchObject({ code: expect.stringMatching(/^BACKEND_(UNAVAILABLE|TIMEOUT)$/) });
			await harness.mend();
			await eventually(() => source.counters(), WITHIN);
			expect((await scanned(source, [place])).size).toBe(10);
		});

		it("closes any number of times, also before it was used", async () => {
			harness = await makeHarness();
			await harness.source.close();
			await harness.source.close();
			await expect(harness.source.counters()).rejects.toBeInstanceOf(Error);
		});
	});
}
