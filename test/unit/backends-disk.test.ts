import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import type { DiskBackend } from "../../src/backends/disk/disk-backend.js";
import { openFileBackend } from "../../src/backends/file/file-backend.js";
import { openPythonBackend } from "../../src/backends/python/python-backend.js";
import { filesBelow, PLACE, refsOf, write, writeEntry } from "../testkit/disk-refs.js";
import { startRemoval } from "../testkit/run-removal.js";
import { temporaryFolder } from "../testkit/temporary.js";

const ONCE = { signal: new AbortController().signal, resumed: false };
let backend: DiskBackend;
afterEach(() => backend.close());

describe("the python backend", () => {
	it("removes a __pycache__ folder that has become empty, and no other folder", async () => {
		const root = temporaryFolder();
		for (const path of [
			"a/__pycache__/x.pyc",
			"a/__pycache__/y.pyc",
			"b/__pycache__/x.pyc",
			"b/__pycache__/notes.txt",
			"c/x.pyc",
			"__pycache__/top.pyc",
		])
			write(root, path);
		backend = openPythonBackend({ roots: [{ name: PLACE, path: root }] });
		const refs = refsOf(root, "python");
		expect(refs).toHaveLength(5);
		for (const outcome of await backend.remove(refs, ONCE)) expect(outcome.outcome).toBe("deleted");
		expect(filesBelow(root)).toEqual(["b/__pycache__/notes.txt"]);
		expect(["a/__pycache__", "__pycache__", "b/__pycache__", "a", "c"].map((path) => existsSync(join(root, path)))).toEqual([
			false,
			false,
			true,
			true,
			true,
		]);
	});
});

describe("the file backend", () => {
	it("removes from several roots in one batch", async () => {
		const roots = ["one", "two"].map((name) => ({ name, path: join(temporaryFolder(), name) }));
		const refs = roots.flatMap(({ name, path }) => {
			for (let i = 0; i < 50; i++) writeEntry(path, "META", i);
			return refsOf(path, "metadata", name);
		});
		backend = openFileBackend({ roots });
		expect(backend.places).toEqual(["one", "two"]);
		const mixed = [...refs].sort((a, b) => (a.id < b.id ? -1 : 1));
		const outcomes = await backend.remove(mixed, ONCE);
		expect(outcomes.map(({ id }) => id)).toEqual(mixed.map(({ id }) => id));
		for (const { path } of roots) expect(filesBelow(path)).toEqual([]);
		expect(new Set(refs.map(({ id }) => id)).size).toBe(100);
	});

	it("holds more folders than it keeps open", async () => {
		const root = temporaryFolder();
		for (let i = 0; i < 300; i++) write(root, `${i % 3}/${i}/deep/er/file.txt`);
		backend = openFileBackend({ roots: [{ name: PLACE, path: root }] });
		for (const outcome of await backend.remove(refsOf(root, "plain"), ONCE)) expect(outcome.outcome).toBe("deleted");
		expect(filesBelow(root)).toEqual([]);
	});

	it("says of a root what is wrong with it", async () => {
		const top = temporaryFolder();
		write(top, "file");
		write(top, "denied/file");
		backend = openFileBackend({
			roots: [
				{ name: "good", path: top },
				{ name: "missing", path: join(top, "missing") },
				{ name: "parent-missing", path: join(top, "missing/deeper") },
				{ name: "file", path: join(top, "file") },
				{ name: "below-file", path: join(top, "file/below") },
			],
			clock: { now: () => 42 },
		});
		const health = await backend.health();
		expect(health.map(({ id, available, error }) => [id, available, error?.said.key])).toEqual([
			["file:good", true, undefined],
			["file:missing", false, "error.rootMissing"],
			["file:parent-missing", false, "error.rootMissing"],
			["file:file", false, "error.rootMissing"],
			["file:below-file", false, "error.rootMissing"],
		]);
		expect(health[0]).toMatchObject({ kind: "FILE", location: top, version: null, usedMemoryBytes: null, checkedAt: 42 });
		expect(health[0]?.latencyMs).toBeGreaterThan(0);
	});

	it("serves a root that came after it was opened", async () => {
		const root = join(temporaryFolder(), "later/root");
		backend = openFileBackend({ roots: [{ name: PLACE, path: root }] });
		expect(await backend.health()).toMatchObject([{ available: false }]);
		writeEntry(root, "META");
		expect(await backend.health()).toMatchObject([{ available: true }]);
		expect(await backend.remove(refsOf(root, "metadata"), ONCE)).toMatchObject([{ outcome: "deleted" }]);
	});

	it("does not keep a process from ending", async () => {
		const root = temporaryFolder();
		for (let i = 0; i < 10; i++) writeEntry(root, "META", i);
		const run = startRemoval(root, refsOf(root, "metadata"), 10);
		let endedAt = 0;
		for await (const line of run.lines) if ("ended" in line) endedAt = performance.now();
		expect(await run.exited).toBe(0);
		expect(performance.now() - endedAt).toBeLessThan(3000);
		expect(filesBelow(root)).toEqual([]);
		backend = openFileBackend({ roots: [] });
	});
});
