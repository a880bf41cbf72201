/** A2: an operation that cannot be recorded is refused, on a disk that is really full. */
import { spawnSync } from "node:child_process";
import { mkdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { killAll, linesOf } from "../testkit/lines-of.js";
import { temporaryFolder } from "../testkit/temporary.js";

interface Line {
	readonly recorded?: number;
	readonly refused?: string;
	readonly beginning?: string;
	readonly afterwards?: number;
	readonly checked?: number;
	readonly problems?: number;
	readonly code?: string;
}

const MEGABYTE = 1 << 20;

describe("an audit log on a full disk", () => {
	const mounted: string[] = [];
	afterEach(async () => {
		await killAll();
		for (const path of mounted.splice(0)) spawnSync("umount", ["-l", path]);
	});

	/** A small file system of its own, where this user may mount one. */
	function smallDisk(bytes: number): string | null {
		const path = temporaryFolder();
		if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path]).status !== 0) return null;
		mounted.push(path);
		return path;
	}

	async function run(args: readonly string[], shell?: string): Promise<Line> {
		const child = linesOf<Line>("store-child.ts", args, shell === undefined ? {} : { shell });
		expect([await child.ended, child.lines]).toEqual([0, expect.anything()]);
		return Object.assign({}, ...child.lines) as Line;
	}

	it("refuses operations with AUDIT_UNAVAILABLE, and goes on whole when there is room again", async () => {
		const disk = smallDisk(16 * MEGABYTE);
		// Without the right to mount, the limit of file sizes stands in: every write beyond it fails as on a full disk.
		if (disk === null) return limited();
		const ballast = join(disk, "ballast");
		writeFileSync(ballast, Buffer.alloc(8 * MEGABYTE));
		mkdirSync(join(disk, "data"));
		const result = await run([join(disk, "data"), "20000", ballast, "0"]);
		expect(result).toMatchObject({ refused: "AUDIT_UNAVAILABLE", problems: 0 });
		expect(result.recorded).toBeGreaterThan(5);
		// An end that was refused leaves its intent open: it is no entry yet.
		expect(result.checked).toBe(result.afterwards);
	});

	it("refuses to begin while there is still room to end what was begun", async () => {
		const disk = smallDisk(16 * MEGABYTE);
		if (disk === null) return limited();
		mkdirSync(join(disk, "data"));
		const result = await run([join(disk, "data"), "20000", "", String(4 * MEGABYTE)]);
		expect(result).toMatchObject({ refused: "AUDIT_UNAVAILABLE", beginning: "AUDIT_UNAVAILABLE" });
		const { bavail, bsize } = statfsSync(disk);
		expect(bavail * bsize).toBeGreaterThan(2 * MEGABYTE);
	});

	it("refuses operations when its file may not grow any more", limited);
	async function limited(): Promise<void> {
		const blocks = (4 * MEGABYTE) / 512;
		const result = await run([temporaryFolder(), "20000"], `trap '' XFSZ; ulimit -f ${blocks};`);
		expect(result).toMatchObject({ refused: "AUDIT_UNAVAILABLE" });
		expect(result.recorded).toBeGreaterThan(5);
	}
});
