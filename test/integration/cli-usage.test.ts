import { readdirSync } from "node:fs";
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Host } from "../../src/cli/host.js";
import { callCommand, runCommand } from "../testkit/cli.js";
import { temporaryFolder } from "../testkit/temporary.js";

/** A call that is wrong must be refused before anything is opened. */
const untouched: Host = {
	openLocalSession: refuse,
	startServer: refuse,
	startWorker: refuse,
	signToken: refuse,
	inspectAudit: refuse,
	inspectMongodb: refuse,
	inspectRedis: refuse,
	inspectPlaces: refuse,
};

function refuse(): never {
	throw new Error("the command went to work");
}

let cwd: string;
beforeEach(() => {
	cwd = temporaryFolder();
});

async function call(args: readonly string[], env: Record<string, string> = {}) {
	const { code: exit, out, err } = await callCommand(args, { env, cwd, host: untouched });
	return { exit, out, err };
}

describe("a call that cannot be meant", () => {
	it.each([
		["cleanup --days -1", "--days must be a whole number from 1 to 3650, not -1"],
		["cleanup --days=-1", "not -1"],
		["cleanup --days x", "not x"],
		["cleanup --days 1.5", "not 1.5"],
		["cleanup --days 0", "not 0"],
		["cleanup --days 3651", "not 3651"],
		["cleanup --days 1e1", "not 1e1"],
		["cleanup --days NaN", "not NaN"],
		["cleanup --days", "--days <n> needs a value"],
		["cleanup --type files", "--type must be one of file, database, python, all, not files"],
		["cleanup --tipe file", "there is no option --tipe; did you mean --type?"],
		["cleanup --dry-run --stats", "--dry-run cannot stand beside --stats"],
		["cleanup now", "too many arguments"],
		["clean", "there is no command clean; did you mean clear?"],
		["clear", "clear removes every entry"],
		["delete", "id is missing"],
		["details --first 0", "--first must be a whole number from 1 to 200, not 0"],
		["details --sort colour", "--sort must be one of created-at,"],
		["details --status old", "--status must be one of fresh, stale, expired, orphaned, not old"],
		["details --min-bytes 10X", "--min-bytes must be a size"],
		["details --older-than -1", "--older-than must be a number of days"],
		["details --before c", "--before needs --last"],
		["details --first 5 --last 5", "--first <n> cannot stand beside --last"],
		["job", "id is missing"],
		["jobs --kind dance", "--kind must be one of cleanup,"],
		["audit --since yesterday", "--since must be a date or a time"],
		["audit --since 2026-13-01", "--since must be a date or a time"],
		["audit --follow --until 2026-01-01", "--follow cannot stand beside --until"],
		["token", "--user <name> is required"],
		["token --user a --role ROOT", "--role must be one of VIEWER, OPERATOR, ADMIN, not ROOT"],
		["token --user a --expires 8", "--expires must be a span"],
		["token --user a --expires 0h", "--expires must be a span"],
		["stats --url ftp://x", "--url must be an http or https address"],
		["serve --port 70000", "--port must be a whole number from 0 to 65535"],
	])("%s: exit code 2, and it says why", async (line, reason) => {
		const { exit, out, err } = await call(line.split(" "));
		expect(err).toContain(reason);
		expect(err).toContain("See cachewarden --help");
		expect({ exit, out }).toEqual({ exit: 2, out: "" });
	});

	it("is one JSON document on standard output with --json", async () => {
		const { exit, out } = await call(["cleanup", "--days", "x", "--json"]);
		expect(exit).toBe(2);
		expect(JSON.parse(out)).toEqual({
			error: { code: "BAD_USER_INPUT", message: "--days must be a whole number from 1 to 3650, not x" },
		});
	});

	it("is answered in Chinese where the locale is Chinese; LC_ALL comes before LANG", async () => {
		const { err } = await call(["cleanup", "--days", "x"], { LANG: "en_US.UTF-8", LC_ALL: "zh_CN.UTF-8" });
		expect(err).toBe("cachewarden: --days 必须是 1 到 3650 之间的整数，而不是 x\n请参阅 cachewarden --help\n");
		expect((await call(["cleanup", "--days", "x"], { LANG: "zh_CN.UTF-8", LC_ALL: "C" })).err).toContain("must be");
		expect((await call(["nothing"], { LANG: "zh_CN.UTF-8" })).err).toContain("没有命令 nothing");
	});

	it("shows the help on standard error when there is no command", async () => {
		const { exit, out, err } = await call([]);
		expect(exit).toBe(2);
		expect(out).toBe("");
		expect(err).toContain("Usage: cachewarden");
	});
});

describe("help", () => {
	it("has examples and defaults for each command, in both languages, on standard output", async () => {
		const { out } = await call(["--help"]);
		const commands = [...out.matchAll(/^ {2}([a-z]+) .*/gm)].map((match) => match[1] ?? "").filter((name) => name !== "help");
		expect(commands).toEqual(
			expect.arrayContaining([
				"serve",
				"cleanup",
				"stats",
				"details",
				"clear",
				"delete",
				"jobs",
				"job",
				"cancel",
				"audit",
				"token",
				"doctor",
			]),
		);
		for (const name of commands) {
			const english = await call([name, "--help"]);
			expect(english).toMatchObject({ exit: 0, err: "" });
			expect(english.out).toContain(`Examples:\n  cachewarden ${name}`);
			const chinese = await call([name, "--help"], { LANG: "zh_CN.UTF-8" });
			expect(chinese.out).toContain(`示例：\n  cachewarden ${name}`);
			expect(chinese.out).not.toMatch(/Usage|Options|default:/);
		}
		expect((await call(["cleanup", "--help"])).out).toContain("(default: 7)");
	});

	it("knows the version", async () => {
		expect(await call(["--version"])).toEqual({ exit: 0, out: "9.9.9\n", err: "" });
	});
});

describe("the binary", () => {
	it("gives the exit code to the shell and touches nothing", async () => {
		const { code, out, err } = await runCommand(["cleanup", "--days", "-1"], { cwd });
		expect({ code, out }).toEqual({ code: 2, out: "" });
		expect(err).toContain("not -1");
		expect(readdirSync(cwd)).toEqual([]);
	});

	it("names every fault of the configuration, and fails with exit code 1", async () => {
		const { code, err } = await runCommand(["stats"], { cwd, env: { PORT: "x", CACHE_LAYOUT: "y" } });
		expect(code).toBe(1);
		expect(err).toContain("PORT");
		expect(err).toContain("CACHE_LAYOUT");
	});
});
