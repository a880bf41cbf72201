/** What every store of kept previews must do. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type Clock, DAY_MS } from "../../src/core/clock.js";
import type { Plan, PlanStore } from "../../src/plans/port.js";
import { frozenClock } from "../testkit/calls.js";

const FIFTEEN_MINUTES = 900_000;

export interface PlansHarness {
	/** Opens the same plans again when called again. */
	open(clock: Clock): Promise<PlanStore>;
	close(): Promise<void>;
}

export function plansContract(name: string, makeHarness: () => PlansHarness): void {
	describe(`kept previews, ${name}`, () => {
		const clock = frozenClock();
		let harness: PlansHarness;
		let plans: PlanStore;
		beforeEach(async () => {
			harness = makeHarness();
			plans = await harness.open(clock);
		});
		afterEach(() => harness.close());

		function plan(id: string, change: Partial<Plan> = {}): Plan {
			return {
				id,
				userId: "alice",
				kind: "CLEANUP",
				selection: { types: ["news"], createdBefore: 123, maxRevision: 9 },
				epoch: "e1",
				createdAt: clock.now(),
				expiresAt: clock.now() + FIFTEEN_MINUTES,
				...change,
			};
		}

		it("are found as they were saved, also after a restart", async () => {
			await plans.save(plan("p1", { kind: "CLEAR" }));
			plans = await harness.open(clock);
			expect(await plans.find("p1")).toEqual(plan("p1", { kind: "CLEAR" }));
			expect(await plans.find("p2")).toBeNull();
		});

		it("are the five newest of each user", async () => {
			for (let i = 1; i <= 7; i++) await plans.save(plan(`p${i}`));
			await plans.save(plan("bobs", { userId: "bob" }));
			const found = await Promise.all(["p1", "p2", "p3", "p7", "bobs"].map(async (id) => (await plans.find(id)) !== null));
			expect(found).toEqual([false, false, true, true, true]);
		});

		it("are found for a day after they expired, and not longer", async () => {
			await plans.save(plan("p1"));
			clock.advance(FIFTEEN_MINUTES + DAY_MS - 1000);
			expect((await plans.find("p1"))?.id).toBe("p1");
			clock.advance(2000);
			expect(await plans.find("p1")).toBeNull();
		});
	});
}
