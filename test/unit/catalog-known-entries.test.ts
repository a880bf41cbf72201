import { expect, it } from "@jest/globals";
import fc from "fast-check";
import { keyHash } from "../../src/catalog/index/key-hash.js";
import { KnownEntries } from "../../src/catalog/index/known-entries.js";

it("knows what a map knows, through growth and removals, also with many hashes close together", () => {
	// A hash is 52 bits; few distinct homes make long chains.
	const hash = fc.oneof(
		fc.integer({ min: 1, max: 400 }),
		fc.integer({ min: 0, max: 300 }).map((i) => 2 ** 52 - 1 - i),
		fc.integer({ min: 0, max: 1_000_000 }).map((i) => keyHash(1, `key ${i}`)),
	);
	const command = fc.record({ hash, insert: fc.integer({ min: 0, max: 3 }).map((n) => n > 0) });
	fc.assert(
		fc.property(fc.array(command, { minLength: 0, maxLength: 4000, size: "max" }), (commands) => {
			const known = new KnownEntries();
			const model = new Map<number, number>();
			for (const [index, { hash: one, insert }] of commands.entries()) {
				const slot = known.find(one);
				expect(slot >= 0).toBe(model.has(one));
				if (insert && slot < 0) {
					known.insert(one, index, index + 0.5, index * 1000);
					model.set(one, index);
				} else if (!insert && slot >= 0) {
					known.remove(slot);
					model.delete(one);
				}
			}
			expect(known.size).toBe(model.size);
			for (const [one, index] of model) {
				const slot = known.find(one);
				expect([known.row(slot), known.fingerprint(slot), known.accessed(slot)]).toEqual([index, index + 0.5, index]);
			}
			expect(known.rowsWithout((one) => one % 2 === 0).sort((a, b) => a - b)).toEqual(
				[...model]
					.filter(([one]) => one % 2 !== 0)
					.map(([, index]) => index)
					.sort((a, b) => a - b),
			);
		}),
		{ numRuns: 12 },
	);
});

it("grows to many entries, and another thread's view of the memory finds them", () => {
	const known = new KnownEntries();
	const count = 40_000;
	for (let i = 0; i < count; i++) known.insert(keyHash(7, `AAPL_stock_data_${i}`), i, i, null);
	const view = new KnownEntries(known.view);
	let missing = 0;
	for (let i = 0; i < count; i++) {
		const slot = view.find(keyHash(7, `AAPL_stock_data_${i}`));
		if (slot < 0 || view.row(slot) !== i) missing++;
	}
	expect(missing).toBe(0);
	expect(known.view.buffer.byteLength).toBeLessThan(count * 24 * 1.7);
	for (let i = 0; i < count; i += 2) known.remove(known.find(keyHash(7, `AAPL_stock_data_${i}`)));
	expect(known.size).toBe(count / 2);
	for (let i = 0; i < count; i++) if (known.find(keyHash(7, `AAPL_stock_data_${i}`)) >= 0 !== (i % 2 === 1)) missing++;
	expect(missing).toBe(0);
});
