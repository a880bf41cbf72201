/** The port of quarantine on real files: what is taken leaves the cache whole, and comes back whole or not at all. */
import { spawnSync } from "node:child_process";
import {
	existsSync,
	linkSync,
	lstatSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	unlinkSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { openFileQuarantine } from "../../src/backends/file/file-quarantine.js";
import type { HeldList, Quarantine, RestoreOutcome } from "../../src/backends/quarantine.js";
import { filesBelow, PLACE, refsOf, write, writeEntry } from "../testkit/disk-refs.js";
import { temporaryFolder } from "../testkit/temporary.js";

const JOB = "j1abc";
/** Whether this user may mount something in a namespace of his own; where not, there is nothing to try it on. */
const mayMount = spawnSync("unshare", ["-rm", "true"]).status === 0;
const OTHER_USER = fileURLToPath(new URL("../testkit/other-user-child.ts", import.meta.url));
const OTHER_DEVICE = fileURLToPath(new URL("../testkit/other-device-child.ts", import.meta.url));
const FRESH = { signal: new AbortController().signal, resumed: false };
const RESUMED = { ...FRESH, resumed: true };

describe("the quarantine of a file root", () => {
	let root: string;
	let quarantine: Quarantine;
	beforeEach(() => {
		root = join(temporaryFolder(), "root");
		mkdirSync(root);
		quarantine = openFileQuarantine({ roots: [{ name: PLACE, path: root }] });
	});
	afterEach(() => quarantine.close());

	/** Files of the cache itself. */
	const cached = (): string[] => filesBelow(root).filter((path) => !path.startsWith(".cachewarden-"));
	const contents = (): Map<string, string> => new Map(cached().map((path) => [path, readFileSync(join(root, path), "utf8")]));

	async function restoreAll(job = JOB, options = FRESH): Promise<RestoreOutcome[]> {
		const outcomes: RestoreOutcome[] = [];
		for (const list of await quarantine.lists())
			if (list.jobId === job) outcomes.push(...(await quarantine.restore(list, await quarantine.read(list), options)));
		return outcomes;
	}

	it.each([
		["metadata", () => ["RDS_B", "BRK.B", "^GSPC"].map((symbol, i) => writeEntry(root, symbol, i, `${symbol}\n`))],
		["pickle", () => ["a", "b"].map((digit) => write(root, `${digit.repeat(32)}.pkl`, digit))],
		["plain", () => ["top.bin", "a/one.bin", "a/b/two.bin", "us_stocks/three.csv"].map((path) => write(root, path))],
	] as const)("takes entries of the %s layout and brings every byte and time back, leaving nothing behind", async (layout, fill) => {
		fill();
		for (const path of cached()) utimesSync(join(root, path), 1_700_000_000, 1_700_000_001);
		const [before, refs] = [contents(), refsOf(root, layout)];
		const taken = await quarantine.hold(JOB, refs, FRESH);
		expect(taken).toEqual(refs.map(({ id, size }) => ({ id, outcome: "deleted", freedBytes: size })));
		expect(cached()).toEqual([]);
		const bytes = refs.reduce((sum, { size }) => sum + size, 0);
		const lists = await quarantine.lists();
		expect(lists.map(({ jobId, place, open }) => ({ jobId, place, open }))).toEqual(
			lists.map(() => ({ jobId: JOB, place: PLACE, open: false })),
		);
		expect(lists.reduce((sum, { entries }) => sum + entries, 0)).toBe(refs.length);
		expect(lists.reduce((sum, list) => sum + list.bytes, 0)).toBe(bytes);

		const restored = await restoreAll();
		expect(restored.map(({ id }) => id).sort()).toEqual(refs.map(({ id }) => id).sort());
		expect(restored.every(({ outcome }) => outcome === "restored")).toBe(true);
		expect(contents()).toEqual(before);
		expect(cached().map((path) => lstatSync(join(root, path)).mtimeMs)).toEqual(cached().map(() => 1_700_000_001_000));
		expect(existsSync(join(root, ".cachewarden-quarantine"))).toBe(false);
	});

	it("leaves what changed after it was selected, and says so", async () => {
		const key = writeEntry(root, "AAPL");
		writeEntry(root, "MSFT", 1);
		const refs = refsOf(root, "metadata");
		writeFileSync(join(root, `us_stocks/${key}.csv`), "rewritten\n");
		const outcomes = await quarantine.hold(JOB, refs, FRESH);
		expect(outcomes.map(({ outcome }) => outcome)).toEqual(["skipped", "deleted"]);
		expect(contents().get(`us_stocks/${key}.csv`)).toBe("rewritten\n");
		expect((await quarantine.lists()).map(({ entries }) => entries)).toEqual([1]);
	});

	it("lets what is new in the place of an entry win, under any name that its key can have", async () => {
		const keys = ["AAPL", "MSFT", "NVDA"].map((symbol, i) => writeEntry(root, symbol, i, "old\n"));
		await quarantine.hold(JOB, refsOf(root, "metadata"), FRESH);
		writeEntry(root, "AAPL", 0, "new\n");
		write(root, `china_stocks/${keys[1]}.txt`, "other\n");
		const outcomes = await restoreAll();
		expect(outcomes.map(({ outcome }) => outcome)).toEqual(["newer", "newer", "restored"]);
		expect([...contents()].filter(([path]) => !path.startsWith("metadata")).map(([, text]) => text)).toEqual(["other\n", "new\n", "old\n"]);
		expect(cached().filter((path) => path.startsWith("metadata"))).toHaveLength(2);
		expect((await quarantine.lists()).map(({ entries }) => entries)).toEqual([2]);
		// It waits: once nothing stands there any more, it comes back.
		rmSync(join(root, `us_stocks/${keys[0]}.csv`));
		rmSync(join(root, `metadata/${keys[0]}_meta.json`));
		expect((await restoreAll()).map(({ outcome }) => outcome)).toEqual(["restored", "newer"]);
	});

	it("deletes for good what is let go, and counts it", async () => {
		writeEntry(root, "AAPL", 0, "four");
		writeEntry(root, "MSFT", 1, "sixsix");
		await quarantine.hold(JOB, refsOf(root, "metadata").slice(0, 1), FRESH);
		await quarantine.hold("j2", refsOf(root, "metadata"), FRESH);
		expect(await quarantine.discard(JOB)).toEqual({ entries: 1, bytes: 4 });
		expect((await quarantine.lists()).map(({ jobId, bytes }) => [jobId, bytes])).toEqual([["j2", 6]]);
		expect(await quarantine.discard("j2")).toEqual({ entries: 1, bytes: 6 });
		expect(filesBelow(root)).toEqual([]);
		expect(existsSync(join(root, ".cachewarden-quarantine"))).toBe(false);
	});

	it("follows no link: neither one in place of its own folder, nor one where an entry came from", async () => {
		const outside = temporaryFolder();
		symlinkSync(outside, join(root, ".cachewarden-quarantine"));
		const key = writeEntry(root, "AAPL");
		const refs = refsOf(root, "metadata");
		expect(await quarantine.hold(JOB, refs, FRESH)).toMatchObject([{ outcome: "failed", failure: { code: "BAD_PATH" } }]);
		expect(filesBelow(outside)).toEqual([]);
		expect(cached()).toHaveLength(2);

		rmSync(join(root, ".cachewarden-quarantine"));
		await quarantine.hold(JOB, refs, FRESH);
		rmSync(join(root, "us_stocks"), { recursive: true });
		symlinkSync(outside, join(root, "us_stocks"));
		expect(await restoreAll()).toMatchObject([{ outcome: "failed", failure: { code: "BAD_PATH" } }]);
		expect(filesBelow(outside)).toEqual([]);
		rmSync(join(root, "us_stocks"));
		expect(await restoreAll()).toMatchObject([{ outcome: "restored" }]);
		expect(contents().has(`us_stocks/${key}.csv`)).toBe(true);
		expect(contents().has(`metadata/${key}_meta.json`)).toBe(true);
	});

	/** As a process leaves it that was killed between the two moves of an entry. */
	function halfTaken(key: string): void {
		const [data, folder] = [`us_stocks/${key}.csv`, join(root, ".cachewarden-quarantine", JOB)];
		const [ref] = refsOf(root, "metadata").filter((one) => one.key === key);
		mkdirSync(join(folder, "entries/us_stocks"), { recursive: true });
		mkdirSync(join(folder, "lists"));
		const line = { key, locator: data, type: ref?.type, size: ref?.size, metadata: ref?.fingerprint.metadata };
		writeFileSync(join(folder, "lists/0123456789ab.open.jsonl"), `${JSON.stringify(line)}\n{"key": cut`);
		renameSync(join(root, data), join(folder, "entries", data));
	}

	it("makes whole what a killed process left half, with the batch or without it", async () => {
		const keys = ["AAPL", "MSFT"].map((symbol, i) => writeEntry(root, symbol, i));
		const refs = refsOf(root, "metadata");
		halfTaken(keys[0] as string);
		await quarantine.settle(JOB);
		expect(cached().filter((path) => path.includes(keys[0] as string))).toEqual([]);
		expect((await quarantine.lists()).map(({ open, entries }) => ({ open, entries }))).toEqual([{ open: false, entries: 1 }]);
		const outcomes = await quarantine.hold(JOB, refs, RESUMED);
		expect(outcomes.map(({ outcome }) => outcome)).toEqual(["deleted", "deleted"]);
		expect((await quarantine.lists()).reduce((sum, { entries }) => sum + entries, 0)).toBe(2);
		expect((await restoreAll()).map(({ outcome }) => outcome)).toEqual(["restored", "restored"]);
		expect(refsOf(root, "metadata").map(({ key }) => key)).toEqual(keys);
	});

	it.each(["metadata", "data"])("goes on with a restore that was killed after it had put the %s back", async (part) => {
		const key = writeEntry(root, "AAPL", 0, "value\n");
		await quarantine.hold(JOB, refsOf(root, "metadata"), FRESH);
		const [list] = (await quarantine.lists()) as [HeldList];
		const refs = await quarantine.read(list);
		const paths = [`metadata/${key}_meta.json`, `us_stocks/${key}.csv`];
		for (const path of part === "metadata" ? paths.slice(0, 1) : paths)
			linkSync(join(root, ".cachewarden-quarantine", JOB, "entries", path), join(root, path));
		if (part === "data") unlinkSync(join(root, ".cachewarden-quarantine", JOB, "entries", paths[1] as string));
		expect(await quarantine.restore(list, refs, RESUMED)).toEqual([{ id: refs[0]?.id, outcome: "restored", bytes: 6 }]);
		expect(cached().sort()).toEqual([...paths].sort());
		expect(cached().map((path) => lstatSync(join(root, path)).nlink)).toEqual([1, 1]);
		expect(existsSync(join(root, ".cachewarden-quarantine"))).toBe(false);
	});

	it("stops between two entries", async () => {
		for (let i = 0; i < 5; i++) writeEntry(root, "AAPL", i);
		const refs = refsOf(root, "metadata");
		expect(await quarantine.hold(JOB, refs, { signal: AbortSignal.abort(), resumed: false })).toEqual([]);
		await quarantine.hold(JOB, refs, FRESH);
		const [list] = (await quarantine.lists()) as [HeldList];
		expect(await quarantine.restore(list, await quarantine.read(list), { signal: AbortSignal.abort(), resumed: false })).toEqual([]);
		expect((await quarantine.lists()).map(({ entries }) => entries)).toEqual([5]);
	});

	if (process.getuid?.() === 0)
		it("brings back what belongs to another user, who must not be linked to, and takes nobody's place there either", () => {
			const keys = ["AAPL", "MSFT"].map((symbol, i) => writeEntry(root, symbol, i, "old\n"));
			const args = ["--import", "@swc-node/register/esm-register", OTHER_USER, root, "65534", keys[1] as string];
			const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
			if (stdout === "") throw new Error(stderr);
			expect(JSON.parse(stdout)).toMatchObject({ linked: "EPERM", outcomes: [{ outcome: "restored" }, { outcome: "newer" }] });
			expect(contents().get(`us_stocks/${keys[0]}.csv`)).toBe("old\n");
			expect(contents().get(`us_stocks/${keys[1]}.csv`)).toBe("new\n");
			expect(contents().has(`metadata/${keys[0]}_meta.json`)).toBe(true);
		});

	if (mayMount)
		it("moves nothing out of a folder that lies on another device, not even a part of an entry, and says so before", () => {
			mkdirSync(join(root, "us_stocks"));
			const child = `${process.execPath} --import @swc-node/register/esm-register ${OTHER_DEVICE} "$1"`;
			const script = `mount -t tmpfs none "$1/us_stocks" && exec ${child}`;
			const { stdout, stderr } = spawnSync("unshare", ["-rm", "/bin/sh", "-ec", script, "sh", root], { encoding: "utf8" });
			if (stdout === "") throw new Error(stderr);
			expect(JSON.parse(stdout)).toMatchObject({
				survey: [{ place: PLACE, folders: ["us_stocks"], failure: { code: "BAD_PATH" } }],
				outcomes: [
					{ outcome: "deleted" },
					{ outcome: "failed", failure: { code: "BAD_PATH", said: { key: "error.quarantine.otherDevice" } } },
				],
				left: ["metadata/AAPL_stock_data_000000000000_meta.json", "us_stocks/AAPL_stock_data_000000000000.csv"],
			});
		});

	it("takes no more than it has a name for, and says where no quarantine can be", async () => {
		writeEntry(root, "AAPL", 0, "first\n");
		await quarantine.hold(JOB, refsOf(root, "metadata"), FRESH);
		writeEntry(root, "AAPL", 0, "second\n");
		expect(await quarantine.hold(JOB, refsOf(root, "metadata"), FRESH)).toMatchObject([
			{ outcome: "failed", failure: { code: "CONFLICT" } },
		]);
		expect(cached()).toHaveLength(2);
		expect(await quarantine.survey()).toEqual([]);
		const away = openFileQuarantine({ roots: [{ name: "away", path: join(root, "nowhere") }] });
		expect(await away.survey()).toMatchObject([{ place: "away", folders: null, failure: { code: "BACKEND_UNAVAILABLE" } }]);
		expect(await away.lists()).toEqual([]);
		await away.close();
	});
});
