/** What every store of model configurations, and every cache of capabilities, must do. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { ModelCapability } from "../../src/core/model-capability.js";
import type { CapabilityCache, ModelConfigStore, SavedChange } from "../../src/models/port.js";
import { eventually } from "../testkit/eventually.js";

export function model(name: string, capabilityLevel = 3): ModelCapability {
	return { name, provider: "p", capabilityLevel, roles: ["analyst"], features: ["tools"], enabled: true };
}

export const INITIAL = [model("first", 1)];

interface Opened<T> {
	/** Another process's view of the same. */
	readonly here: T;
	readonly there: T;
	close(): Promise<void>;
}

export function modelConfigContract(name: string, open: () => Promise<Opened<ModelConfigStore>>): void {
	describe(`${name} as a store of model configurations`, () => {
		let at: Opened<ModelConfigStore>;
		beforeEach(async () => {
			at = await open();
		});
		afterEach(() => at.close());

		function change(changeId: string, expectedVersion: number, models = [model(changeId)]): SavedChange {
			return { changeId, expectedVersion, models, by: "alice", at: 1_000 };
		}

		it("begins with version 0, for everybody", async () => {
			for (const store of [at.here, at.there]) {
				expect(await store.current()).toMatchObject({ version: 0, models: INITIAL, updatedBy: "configuration" });
				expect(await store.version()).toBe(0);
			}
		});

		it("keeps a saved version out of force until it is activated, in one step for everybody; earlier ones stay", async () => {
			const saved = await at.here.save(change("a", 0));
			expect(saved).toEqual({ version: 1, updatedAt: 1_000, updatedBy: "alice", models: [model("a")] });
			expect(await at.there.current()).toMatchObject({ version: 0 });
			expect(await at.there.find(1)).toMatchObject({ state: "saved" });
			await at.here.activate(1, 0);
			expect([await at.there.version(), (await at.there.current()).models]).toEqual([1, [model("a")]]);
			expect([(await at.there.find(0))?.state, (await at.there.find(1))?.state, await at.there.find(7)]).toEqual(["past", "active", null]);
		});

		it("does each step once, however often it is told to", async () => {
			expect([await at.here.save(change("a", 0)), await at.there.save(change("a", 0))].map(({ version }) => version)).toEqual([1, 1]);
			await at.here.activate(1, 0);
			await at.there.activate(1, 0);
			expect(await at.here.version()).toBe(1);
		});

		it("refuses what was made from a version that is no longer in force", async () => {
			await at.here.save(change("a", 0));
			await at.there.save(change("b", 0));
			await at.here.activate(1, 0);
			await expect(at.there.activate(2, 0)).rejects.toMatchObject({ code: "CONFLICT" });
			await expect(at.there.save(change("c", 0))).rejects.toMatchObject({ code: "CONFLICT" });
			expect(await at.there.current()).toMatchObject({ version: 1, models: [model("a")] });
		});

		it("discards a saved version, and gives its number to no other", async () => {
			await at.here.save(change("a", 0));
			await at.here.discard(1);
			expect((await at.there.find(1))?.state).toBe("discarded");
			expect((await at.there.save(change("b", 0))).version).toBe(2);
			await at.there.activate(2, 0);
			await at.there.discard(2);
			expect(await at.here.find(2)).toMatchObject({ state: "active" });
		});
	});
}

export function capabilityCacheContract(name: string, open: () => Promise<Opened<CapabilityCache>>): void {
	describe(`${name} as a cache of capabilities`, () => {
		let at: Opened<CapabilityCache>;
		beforeEach(async () => {
			at = await open();
		});
		afterEach(() => at.close());

		it("gives what was put, until its time is over", async () => {
			await at.here.put("gpt-4", { version: 3, capability: model("gpt-4") }, 60_000);
			expect(await at.there.get("gpt-4")).toEqual({ version: 3, capability: model("gpt-4") });
			expect(await at.there.get("gpt-5")).toBeNull();
			await at.here.put("gpt-4", { version: 3, capability: model("gpt-4") }, 1);
			await eventually(async () => expect(await at.there.get("gpt-4")).toBeNull(), { withinMs: 5000 });
		});

		it("forgets all of them at once, for everybody", async () => {
			for (let i = 0; i < 20; i++) await at.here.put(`m${i}`, { version: 1, capability: model(`m${i}`) }, 60_000);
			await at.there.clear();
			for (let i = 0; i < 20; i++) expect(await at.here.get(`m${i}`)).toBeNull();
		});
	});
}
