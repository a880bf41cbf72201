import { spawnSync } from "node:child_process";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import { formatAge, formatBytes, printable } from "../../src/cli/format.js";
import { watchInterrupts } from "../../src/cli/interrupts.js";
import { formatTable } from "../../src/cli/table.js";
import { openTerminal } from "../../src/cli/terminal.js";
import { CLI_MAIN } from "../testkit/cli.js";
import { temporaryFolder } from "../testkit/temporary.js";

/** Runs a command on a terminal of its own, made by util-linux's `script`; what the terminal showed. */
function onTerminal(command: string, env: Record<string, string>): { readonly shown: string; readonly code: number | null } {
	const { stdout, status } = spawnSync(
		"script",
		["--quiet", "--return", "--command", `${process.execPath} ${CLI_MAIN} ${command}`, "/dev/null"],
		{
			encoding: "utf8",
			env: { PATH: process.env.PATH ?? "", TMPDIR: process.env.TMPDIR ?? "/tmp", TERM: "xterm", COLUMNS: "120", ...env },
		},
	);
	return { shown: stdout, code: status };
}

const ESCAPE = "\u001b[";

describe("on a terminal", () => {
	it("draws a bar for each layer and colours the result; NO_COLOR turns colours off", () => {
		const root = temporaryFolder();
		generateTree({ root, entries: 300 });
		const env = { CACHE_DIR: root, DATA_DIR: temporaryFolder(), CACHE_TIMEZONE: "UTC", LANG: "C.UTF-8" };
		const first = onTerminal("cleanup --days 7", env);
		expect(first.code).toBe(0);
		expect(first.shown).toMatch(/file +█+ +100 % \d+\/\d+/);
		expect(first.shown).toContain(`${ESCAPE}32msucceeded`);
		const second = onTerminal("cleanup --days 7 --json", { ...env, NO_COLOR: "1" });
		expect(second.code).toBe(0);
		expect(second.shown).not.toContain(`${ESCAPE}32m`);
	});
});

describe("tables", () => {
	it("line up although Chinese characters are twice as wide", () => {
		const terminal = openTerminal({ out: new PassThrough(), err: new PassThrough(), env: {} });
		const text = formatTable(
			terminal,
			[{ title: "名称" }, { title: "N", align: "right" }],
			[
				["贵州茅台", "1"],
				["AAPL", "1,000"],
			],
		);
		expect(text).toBe(["名称          N", "贵州茅台      1", "AAPL      1,000"].join("\n"));
	});

	it("show sizes and ages as people say them", () => {
		expect([0, 1023, 1024, 1_536, 123_456_789, 5 * 1024 ** 4].map(formatBytes)).toEqual([
			"0 B",
			"1023 B",
			"1.00 KiB",
			"1.50 KiB",
			"118 MiB",
			"5.00 TiB",
		]);
		const now = 1_000_000_000_000;
		expect(formatAge(now - 59_999, now, "en")).toBe("59 s");
		expect(formatAge(now - 86_400_000 * 3.9, now, "zh")).toBe("3 天");
		expect(formatAge(now + 5_000, now, "en")).toBe("0 s");
		expect(printable("a\u202eb\u0007")).toBe("a\\u202eb\\x07");
	});
});

describe("Ctrl-C", () => {
	it("runs the handler once; a copy of the same signal changes nothing, a second one ends the process", () => {
		const listeners = new Set<() => void>();
		const exits: number[] = [];
		let now = 0;
		const source = {
			on: (_signal: string, listener: () => void) => listeners.add(listener),
			off: (_signal: string, listener: () => void) => listeners.delete(listener),
			exit: (code: number) => void exits.push(code),
		};
		let handled = 0;
		const stop = watchInterrupts(source, () => now).onInterrupt(() => {
			handled++;
		});
		const signal = (): void => {
			for (const listener of listeners) listener();
		};
		signal();
		now = 100;
		signal();
		expect({ handled, exits }).toEqual({ handled: 1, exits: [] });
		now = 1_000;
		signal();
		expect({ handled, exits }).toEqual({ handled: 1, exits: [130] });
		stop();
		expect(listeners.size).toBe(0);
	});
});
