import { spawn } from "node:child_process";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { CLI_MAIN, callCommand } from "../testkit/cli.js";
import { eventually } from "../testkit/eventually.js";
import { startServer, TEST_SECRET, testToken } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";

/** How each begins: without anybody's settings, with a prompt that can be waited for. */
const SHELLS = {
	bash: { call: "bash --norc --noprofile -i", setUp: "PS1='READY> '; source <(cachewarden completion bash)" },
	zsh: { call: "zsh -f -i", setUp: "PS1='READY> '; autoload -U compinit; compinit -u; source <(cachewarden completion zsh)" },
	fish: { call: "fish --no-config -i", setUp: "function fish_prompt; echo -n 'READY> '; end; cachewarden completion fish | source" },
} as const;

function isInstalled(name: string): boolean {
	return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, name)));
}

const started: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
	for (const one of started.splice(0)) await one.stop();
});

/** A shell on a terminal of its own, in which somebody types. */
function openShell(name: keyof typeof SHELLS) {
	const home = temporaryFolder();
	// Runs the program for completion, and shows everything else that it is called with.
	const program = join(home, "cachewarden");
	writeFileSync(
		program,
		`#!/bin/sh
case "$1" in
complete | completion) exec '${process.execPath}' '${CLI_MAIN}' "$@" ;;
esac
printf 'RAN<%s>\\n' "$*"
`,
	);
	chmodSync(program, 0o755);
	const child = spawn("script", ["--quiet", "--flush", "--command", SHELLS[name].call, "/dev/null"], {
		cwd: home,
		env: { PATH: `${home}${delimiter}${process.env.PATH}`, HOME: home, TERM: "xterm", LANG: "C.UTF-8", COLUMNS: "200" },
		stdio: ["pipe", "pipe", "ignore"],
	});
	let shown = "";
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		shown += text;
	});
	const ended = new Promise((resolve) => child.once("close", resolve));
	started.push({
		async stop() {
			child.kill("SIGKILL");
			await ended;
		},
	});
	return {
		/** Types, and waits for what is expected to appear after what was there before. */
		async type(text: string, expected: string | RegExp): Promise<void> {
			const before = shown.length;
			child.stdin.write(text);
			await eventually(() => expect(plain(shown.slice(before))).toMatch(expected), { withinMs: 20_000 });
		},
	};
}

/** Without what moves the cursor and colours. */
function plain(text: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they begin with
	return text.replace(/\u001b(\[[0-9;?]*[a-zA-Z]|[=>]|\][^\u0007]*\u0007)/g, "").replace(/\r/g, "");
}

describe("shell completion", () => {
	it.each((Object.keys(SHELLS) as (keyof typeof SHELLS)[]).filter((name) => name === "bash" || isInstalled(name)))(
		"completes commands, options and values in a real %s",
		async (name) => {
			const shell = openShell(name);
			await shell.type(`${SHELLS[name].setUp}\n`, /READY> $/);
			await shell.type("cachewarden cleanu\t", "cleanup ");
			await shell.type("--ty\t", "--type ");
			await shell.type("data\t", "database ");
			await shell.type("--dry\t", "--dry-run ");
			await shell.type("\n", "RAN<cleanup --type database --dry-run>");
			await shell.type("cachewarden details --sort=hit\t", /hit-count ?/);
			await shell.type("\n", "RAN<details --sort=hit-count>");
			await shell.type("cachewarden audit ver\t", "verify ");
			await shell.type("\n", "RAN<audit verify>");
		},
	);

	const ask = async (words: string[], env: Record<string, string> = {}, shell = "fish") => {
		const { out, err, code } = await callCommand(["complete", shell, "--", ...words], { env, cwd: temporaryFolder() });
		expect({ err, code }).toEqual({ err: "", code: 0 });
		return out.split("\n").filter((line) => line !== "");
	};
	const names = async (...words: string[]) => (await ask(words)).map((line) => line.split("\t")[0]);

	it("offers what may come next and nothing that may not", async () => {
		expect(await names("c")).toEqual(["cleanup", "clear", "cancel", "completion"]);
		expect(await names("help", "au")).toEqual(["audit"]);
		expect(await names("cleanup", "--type", "")).toEqual(["file", "database", "python", "all"]);
		expect(await names("details", "--status", "fresh", "")).toEqual(["fresh", "stale", "expired", "orphaned"]);
		expect(await names("details", "--entry-type=mo")).toEqual(["--entry-type=model_capabilities"]);
		expect(await names("cleanup", "--dry-run", "--d")).toEqual(["--days"]);
		expect(await names("jobs", "--kind", "warm")).toEqual(["warm-up"]);
		expect(await names("token", "--role", "A")).toEqual(["ADMIN"]);
		expect(await names("completion", "")).toEqual(["bash", "zsh", "fish"]);
		expect(await names("cleanup", "--days", "")).toEqual([]);
		expect(await names("nothing", "")).toEqual([]);
		expect(await names("job", "")).toEqual([]);
	});

	it("describes in the user's language; bash is given only what it puts in", async () => {
		expect(await ask(["cleanu"], { LANG: "zh_CN.UTF-8" }, "zsh")).toEqual(["cleanup:删除早于指定天数的缓存条目"]);
		expect(await ask(["cleanup", "--type", "=", "da"], {}, "bash")).toEqual(["database"]);
		expect(await ask(["cleanup", "--type", "="], {}, "bash")).toEqual(["file", "database", "python", "all"]);
		expect(await ask(["cleanup", "--type=da"], {}, "bash")).toEqual(["--type=database"]);
	});

	it("offers ids of jobs while a server runs here, or at an address", async () => {
		const env = { CACHE_DIR: temporaryFolder(), DATA_DIR: temporaryFolder(), JWT_SECRET: TEST_SECRET, LOG_LEVEL: "warn" };
		const server = await startServer(env);
		started.push(server);
		const { data } = await server.query<{ cleanup: { job: { id: string } } }>("mutation { cleanup(input: { wait: true }) { job { id } } }");
		const { id } = data.cleanup.job;
		expect(await ask(["job", "j"], env)).toEqual([expect.stringMatching(new RegExp(`^${id}\\tcleanup succeeded \\d+ s$`))]);
		expect(await ask(["audit", "--job", ""], env)).toHaveLength(1);
		expect(await ask(["cancel", ""], env)).toEqual([]);
		const elsewhere = ["--url", server.url, "--token", await testToken("ADMIN")];
		expect(await ask(["job", ...elsewhere, ""])).toEqual([expect.stringContaining(id)]);
		expect(await ask(["job", "--url", server.url, "--token", "nonsense", ""])).toEqual([]);
	});
});
