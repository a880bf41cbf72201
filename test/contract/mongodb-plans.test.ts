import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { systemClock } from "../../src/core/clock.js";
import type { EntryRef } from "../../src/core/entry.js";
import type { PlaceGroup } from "../../src/core/place-groups.js";
import type { SelectPosition } from "../../src/core/selection.js";
import { openMongodbPlans } from "../../src/plans/mongodb.js";
import type { Plan, PlanStore, SharedPlans } from "../../src/plans/port.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { codeOf, gate } from "../testkit/promises.js";
import { plansContract } from "./plans.js";

const GROUPS: readonly PlaceGroup[] = [
	{ backend: "FILE", places: ["news"], identity: "news on one host" },
	{ backend: "FILE", places: ["quotes"], identity: "quotes on one host" },
	{ backend: "REDIS", places: ["a", "b"], identity: "redis" },
];
const never = new AbortController().signal;

let mongodb: TestMongodb;
beforeAll(async () => {
	mongodb = await startMongodb();
});
afterAll(() => mongodb.stop());

plansContract("in MongoDB", () => {
	const { db } = mongodb.newDatabase();
	let opened: PlanStore | null = null;
	return {
		async open(clock) {
			opened = await openMongodbPlans({ db, clock, groups: GROUPS, writeFailed: () => undefined });
			return opened;
		},
		close: async () => opened?.close(),
	};
});

describe("plans that any server carries out", () => {
	/** Two servers, of which the second has other places. */
	async function servers(theirs: readonly PlaceGroup[] = GROUPS) {
		const { db } = mongodb.newDatabase();
		const failures: unknown[] = [];
		const open = (groups: readonly PlaceGroup[]): Promise<PlanStore> =>
			openMongodbPlans({ db, clock: systemClock, groups, writeFailed: (_, error) => failures.push(error) });
		const [one, two] = await Promise.all([open(GROUPS), open(theirs)]);
		return { db, failures, one, two, sharedOne: one.shared as SharedPlans, sharedTwo: two.shared as SharedPlans };
	}
	function plan(id: string, change: Partial<Plan> = {}): Plan {
		const createdAt = Date.now();
		return { id, userId: "alice", kind: "CLEAR", selection: {}, epoch: "e", createdAt, expiresAt: createdAt + 900_000, ...change };
	}
	function refs(backend: EntryRef["backend"], place: string, count: number): EntryRef[] {
		return Array.from({ length: count }, (_, n) => ({
			id: `e${String(n).padStart(20, "0")}`,
			key: `键/${place}/${n}`,
			backend,
			place,
			type: "news",
			size: n,
			locator: n % 7 === 0 ? null : `${n}.json`,
			fingerprint: { data: 2 ** 52 - n, metadata: n % 2 === 0 ? null : n },
		}));
	}
	async function* told(...batches: (readonly EntryRef[])[]): AsyncGenerator<readonly EntryRef[]> {
		yield* batches;
	}

	it("are read by another server entry by entry, layer by layer, in batches of any size", async () => {
		const { one, two, sharedOne, sharedTwo, failures } = await servers();
		const [files, keys] = [refs("FILE", "news", 7_001), refs("REDIS", "a", 3)];
		await one.save(plan("p1"));
		sharedOne.write(plan("p1"), told(files.slice(0, 5_000), files.slice(5_000), [], keys));
		const layers = await sharedTwo.written("p1", never);
		expect(layers).toEqual({ FILE: { entries: 7_001, chunks: 5 }, REDIS: { entries: 3, chunks: 1 } });
		const read: EntryRef[] = [];
		let after: SelectPosition | null = null;
		do {
			const batch: Awaited<ReturnType<SharedPlans["read"]>> = await sharedTwo.read(
				"p1",
				{ backend: "FILE", entries: 7_001, chunks: 5 },
				after,
				4_000,
			);
			read.push(...batch.refs);
			after = batch.next;
		} while (after !== null);
		expect(read).toEqual(files);
		expect(await sharedTwo.read("p1", { backend: "REDIS", entries: 3, chunks: 1 }, null, 10)).toEqual({ refs: keys, next: null });
		expect(failures).toEqual([]);
		await Promise.all([one.close(), two.close()]);
	});

	it("are waited for while they are written, and refused when that was never finished", async () => {
		const { one, sharedOne, sharedTwo } = await servers();
		const rest = gate();
		await one.save(plan("p1"));
		sharedOne.write(
			plan("p1"),
			(async function* () {
				yield refs("FILE", "news", 10);
				await rest.opened;
				yield refs("FILE", "quotes", 10);
			})(),
		);
		const waiting = sharedTwo.written("p1", never);
		const stopped = new AbortController();
		const givenUp = sharedTwo.written("p1", stopped.signal);
		stopped.abort();
		expect(await givenUp).toBeNull();
		rest.open();
		expect(await waiting).toEqual({ FILE: { entries: 20, chunks: 2 } });
		expect(await sharedTwo.written("unknown", never)).toBeNull();
		await one.close();
	});

	it("name the places that another server has elsewhere, and only those in which something is to be removed", async () => {
		const elsewhere = GROUPS.map((group) => (group.backend === "FILE" ? { ...group, identity: `${group.identity}, another` } : group));
		const { one, sharedOne, sharedTwo } = await servers(elsewhere);
		await one.save(plan("files", { selection: { backends: ["FILE"] } }));
		await one.save(plan("keys"));
		const [news, quotes] = GROUPS;
		expect(await sharedTwo.missing("files")).toEqual([news, quotes]);
		sharedOne.write(plan("files", { selection: { backends: ["FILE"] } }), told(refs("FILE", "quotes", 1)));
		sharedOne.write(plan("keys"), told(refs("REDIS", "b", 1)));
		await Promise.all(["files", "keys"].map((id) => sharedTwo.written(id, never)));
		expect(await sharedTwo.missing("files")).toEqual([quotes]);
		expect(await sharedTwo.missing("keys")).toEqual([]);
		expect(await sharedOne.missing("files")).toEqual([]);
		await one.close();
	});

	it("stay once a job was accepted for them; others go with their entries", async () => {
		const { db, one, sharedOne, sharedTwo } = await servers();
		for (const id of ["held", "older"]) {
			await one.save(plan(id));
			sharedOne.write(plan(id), told(refs("FILE", "news", 1)));
			await sharedTwo.written(id, never);
		}
		await sharedTwo.hold("held");
		for (let n = 0; n < 5; n++) await one.save(plan(`p${n}`));
		expect((await one.find("held"))?.id).toBe("held");
		expect(await one.find("older")).toBeNull();
		const layer = { backend: "FILE", entries: 1, chunks: 1 } as const;
		expect((await sharedTwo.read("held", layer, null, 1)).refs).toHaveLength(1);
		expect(await codeOf(sharedTwo.read("older", layer, null, 1))).toBe("PLAN_STALE");
		expect(await codeOf(sharedTwo.hold("older"))).toBe("PLAN_STALE");
		expect(await db.collection("cachewarden_plan_entries").countDocuments()).toBe(1);
		// Who still writes one that is gone leaves nothing behind.
		sharedOne.write(plan("older"), told(refs("FILE", "news", 1)));
		await one.close();
		expect(await db.collection("cachewarden_plan_entries").countDocuments()).toBe(1);
	});
});
