import { describe, expect, it } from "@jest/globals";
import type { BackendHealth, BackendStatus } from "../../src/backends/backend.js";
import { backendChanges, backendStream } from "../../src/live/backend-changes.js";
import { eventually } from "../testkit/eventually.js";

const EVERY_MS = 5;

function layers() {
	const health = (id: string, kind: BackendHealth["kind"]): BackendHealth => ({
		id,
		kind,
		available: true,
		location: "here",
		version: "1",
		latencyMs: 1,
		usedMemoryBytes: null,
		error: null,
		checkedAt: 0,
	});
	let state = [health("redis", "REDIS"), health("mongodb", "MONGODB"), health("file", "FILE")];
	let looks = 0;
	return {
		looks: () => looks,
		change(id: string, to: Partial<BackendHealth>) {
			state = state.map((layer) => (layer.id === id ? { ...layer, ...to } : layer));
		},
		async health() {
			looks++;
			return state.map((layer) => ({ ...layer, latencyMs: looks, checkedAt: looks }));
		},
	};
}

describe("changes of backends", () => {
	it("are told of the backend that went, and of the one that is primary in its place", async () => {
		const cache = layers();
		const stream = backendStream(backendChanges(cache.health, EVERY_MS).onChange);
		const first = stream.next();
		await eventually(() => expect(cache.looks()).toBeGreaterThan(1), { withinMs: 5000 });
		cache.change("redis", { available: false });
		const told: BackendStatus[] = [(await first).value, (await stream.next()).value];
		expect(told.map(({ id, available, primary }) => ({ id, available, primary }))).toEqual([
			{ id: "redis", available: false, primary: false },
			{ id: "mongodb", available: true, primary: true },
		]);
		await stream.return?.();
	});

	it("are not told of how fast a backend answers, and nobody looks once nobody listens", async () => {
		const cache = layers();
		const { onChange } = backendChanges(cache.health, EVERY_MS);
		const told: string[] = [];
		const stop = onChange(({ id }) => told.push(id));
		await eventually(() => expect(cache.looks()).toBeGreaterThan(3), { withinMs: 5000 });
		stop();
		const looked = cache.looks();
		const other = onChange(({ id }) => told.push(id));
		await eventually(() => expect(cache.looks()).toBeGreaterThan(looked), { withinMs: 5000 });
		other();
		expect(told).toEqual([]);
	});
});
