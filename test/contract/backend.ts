/** What every cache layer must do when entries are to be removed or shown, whatever it is. */
import { afterEach, describe, expect, it } from "@jest/globals";
import type { CacheBackend, RemovalOutcome } from "../../src/backends/backend.js";
import type { EntryRef } from "../../src/core/entry.js";
import { eventually } from "../testkit/eventually.js";

export interface BackendHarness {
	readonly backend: CacheBackend;
	/** Writes so many entries into the layer as other programs do, and gives them as a scan does. */
	seed(count: number): Promise<EntryRef[]>;
	/** Whether anything of the entry is there. */
	exists(entry: EntryRef): Promise<boolean>;
	/** Another program writes another value under the same key. */
	rewrite(entry: EntryRef): Promise<void>;
	/** Another program removes the entry. */
	vanish(entry: EntryRef): Promise<void>;
	/** Leaves what a crash in the middle of one removal leaves; null where an entry is removed in one step. */
	readonly halve: ((entry: EntryRef) => Promise<void>) | null;
	/** Takes the whole layer away. */
	breakDown(): Promise<void>;
	/** Removes everything that the harness made, the backend too. */
	close(): Promise<void>;
}

const never = new AbortController().signal;
const ONCE = { signal: never, resumed: false };
const AGAIN = { signal: never, resumed: true };

function byId(outcomes: readonly RemovalOutcome[]): Map<string, RemovalOutcome> {
	return new Map(outcomes.map((outcome) => [outcome.id, outcome]));
}

function deleted(entry: EntryRef): RemovalOutcome {
	return { id: entry.id, outcome: "deleted", freedBytes: entry.size };
}

export function backendContract(name: string, makeHarness: () => Promise<BackendHarness>): void {
	describe(`the cache layer, ${name}`, () => {
		let harness: BackendHarness;
		async function seeded(count: number): Promise<[EntryRef, ...EntryRef[]]> {
			harness = await makeHarness();
			const entries = await harness.seed(count);
			expect(entries).toHaveLength(count);
			return entries as [EntryRef, ...EntryRef[]];
		}
		afterEach(() => harness.close());

		it("removes exactly the entries of the batch, and says how many bytes each freed", async () => {
			const entries = await seeded(60);
			const batch = entries.filter((_, i) => i % 3 !== 0);
			const outcomes = await harness.backend.remove(batch, ONCE);
			expect(outcomes).toEqual(batch.map(deleted));
			for (const [i, entry] of entries.entries()) expect(await harness.exists(entry)).toBe(i % 3 === 0);
		});

		it("answers an empty batch with nothing", async () => {
			const [entry] = await seeded(1);
			expect(await harness.backend.remove([], ONCE)).toEqual([]);
			expect(await harness.exists(entry)).toBe(true);
		});

		it("keeps what was rewritten after it was selected", async () => {
			const [rewritten, other] = (await seeded(2)) as [EntryRef, EntryRef];
			await harness.rewrite(rewritten);
			expect(await harness.backend.remove([rewritten, other], ONCE)).toEqual([
				{ id: rewritten.id, outcome: "skipped", reason: "changed" },
				deleted(other),
			]);
			expect(await harness.exists(rewritten)).toBe(true);
			expect(await harness.backend.remove([rewritten], AGAIN)).toEqual([{ id: rewritten.id, outcome: "skipped", reason: "changed" }]);
			expect(await harness.exists(rewritten)).toBe(true);
		});

		it("skips what is gone", async () => {
			const [gone, other] = (await seeded(2)) as [EntryRef, EntryRef];
			await harness.vanish(gone);
			expect(await harness.backend.remove([gone, other], ONCE)).toEqual([
				{ id: gone.id, outcome: "skipped", reason: "gone" },
				deleted(other),
			]);
		});

		it("keeps what it has no proof of", async () => {
			const [entry] = await seeded(1);
			const unproven = { ...entry, fingerprint: { data: null, metadata: null } };
			expect(await harness.backend.remove([unproven], ONCE)).toEqual([{ id: entry.id, outcome: "skipped", reason: "changed" }]);
			expect(await harness.exists(entry)).toBe(true);
		});

		it("removes nothing in a place that it does not have", async () => {
			const [entry] = await seeded(1);
			expect(await harness.backend.remove([{ ...entry, place: "elsewhere" }], ONCE)).toMatchObject([{ id: entry.id, outcome: "failed" }]);
			expect(await harness.exists(entry)).toBe(true);
		});

		it("counts every entry of a batch that was cut short once, whichever way a crash left it", async () => {
			const entries = await seeded(30);
			for (const [i, entry] of entries.entries()) {
				if (i % 3 === 0) await harness.vanish(entry);
				if (i % 3 === 1) await harness.halve?.(entry);
			}
			expect(await harness.backend.remove(entries, AGAIN)).toEqual(entries.map(deleted));
			for (const entry of entries) expect(await harness.exists(entry)).toBe(false);
		});

		it("stops between two deletions when told to, and reports exactly what it did", async () => {
			const entries = await seeded(800);
			const cancel = new AbortController();
			const running = harness.backend.remove(entries, { signal: cancel.signal, resumed: false });
			await eventually(async () => expect(await harness.exists(entries[0])).toBe(false), { withinMs: 10_000, everyMs: 1 });
			const abortedAt = performance.now();
			cancel.abort();
			const done = byId(await running);
			expect(performance.now() - abortedAt).toBeLessThan(1000);
			expect(done.size).toBeGreaterThan(0);
			for (const entry of entries) {
				expect(await harness.exists(entry)).toBe(!done.has(entry.id));
				if (done.has(entry.id)) expect(done.get(entry.id)).toEqual(deleted(entry));
			}
		});

		it("settles the whole of a batch that a crash cut short when it is told to stop in the middle of it", async () => {
			const entries = await seeded(600);
			const halves = entries.slice(-20);
			for (const entry of halves) await harness.halve?.(entry);
			const cancel = new AbortController();
			const running = harness.backend.remove(entries, { signal: cancel.signal, resumed: true });
			await eventually(async () => expect(await harness.exists(entries[0])).toBe(false), { withinMs: 10_000, everyMs: 1 });
			cancel.abort();
			const done = byId(await running);
			if (harness.halve !== null) for (const entry of halves) expect(done.get(entry.id)).toEqual(deleted(entry));
			for (const entry of entries) expect(await harness.exists(entry)).toBe(!done.has(entry.id));
		});

		it("does nothing when it was told to stop before it began", async () => {
			const [entry] = await seeded(1);
			expect(await harness.backend.remove([entry], { signal: AbortSignal.abort(), resumed: false })).toEqual([]);
			expect(await harness.exists(entry)).toBe(true);
		});

		it("settles a batch that a crash cut short also when it was cancelled: counts what is gone, finishes what is half, leaves the rest", async () => {
			const [gone, half, whole] = (await seeded(3)) as [EntryRef, EntryRef, EntryRef];
			await harness.backend.remove([gone], ONCE);
			await harness.halve?.(half);
			const outcomes = await harness.backend.remove([gone, half, whole], { signal: AbortSignal.abort(), resumed: true });
			expect(outcomes).toEqual(harness.halve === null ? [deleted(gone)] : [deleted(gone), deleted(half)]);
			expect(await harness.exists(half)).toBe(harness.halve === null);
			expect(await harness.exists(whole)).toBe(true);
		});

		it("removes an entry once when two ask for it at the same time", async () => {
			const entries = await seeded(200);
			const [first, second] = await Promise.all([harness.backend.remove(entries, ONCE), harness.backend.remove(entries, ONCE)]);
			const [one, two] = [byId(first), byId(second)];
			for (const { id } of entries) {
				const outcomes = [one.get(id)?.outcome, two.get(id)?.outcome].sort();
				expect(outcomes).toEqual(["deleted", "skipped"]);
			}
		});

		it("shows the first bytes of a value, and null for one that is gone", async () => {
			const [entry] = await seeded(1);
			const whole = await harness.backend.preview(entry, 65_536);
			expect(whole).toMatchObject({ mediaType: expect.stringMatching(/^[a-z]+\/[a-z-]+$/), truncated: false });
			const first = await harness.backend.preview(entry, 1);
			expect(first?.truncated).toBe(true);
			if (whole?.text) expect(whole.text.startsWith(first?.text as string)).toBe(true);
			await harness.vanish(entry);
			expect(await harness.backend.preview(entry, 100)).toBeNull();
		});

		it("says within 2 s how it is, and comes to no harm when it is away", async () => {
			const [entry] = await seeded(1);
			for (const one of await harness.backend.health())
				expect(one).toMatchObject({ available: true, error: null, kind: harness.backend.kind });
			await harness.breakDown();
			const asked = performance.now();
			const health = await harness.backend.health();
			expect(performance.now() - asked).toBeLessThan(2000);
			expect(health.some(({ available, error }) => !available && error !== null)).toBe(true);
			expect(await harness.backend.remove([entry], ONCE)).toMatchObject([{ id: entry.id, outcome: "failed" }]);
		});

		it("closes any number of times", async () => {
			const entries = await seeded(3);
			await harness.backend.remove(entries, ONCE);
			await harness.backend.close();
			await harness.backend.close();
			expect(harness.backend.places.length).toBeGreaterThan(0);
		});
	});
}
