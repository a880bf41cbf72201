/** What the two README pages show is tried: every command, every query, every link, and the picture. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import { callCommand } from "../testkit/cli.js";
import { eventually } from "../testkit/eventually.js";
import { startServer, TEST_SECRET, type TestServer } from "../testkit/server.js";
import { heldFolder, removeHeldFolders } from "../testkit/temporary.js";

const TOP = fileURLToPath(new URL("../../", import.meta.url));
const PAGES = ["README.md", "README.zh.md"];
const textOf = (name: string): string => readFileSync(join(TOP, name), "utf8");

/** Of all blocks of a language, without what an indented list puts before each line. */
function blocksOf(page: string, language: string): string[] {
	return [...page.matchAll(new RegExp(`^ *\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, "gm"))].map(([, text = ""]) => text);
}

function commandsOf(page: string): string[] {
	return blocksOf(page, "sh").flatMap((block) =>
		block
			.split("\n")
			.map((line) => line.replace(/\s+#.*$/, "").trim())
			.filter((line) => line !== ""),
	);
}

/** Operations in blocks, and between single quotes of code. */
function operationsOf(page: string): string[] {
	const inline = [...page.matchAll(/`(query \{.*?\})`/g)].map(([, text = ""]) => text);
	return [...blocksOf(page, "graphql").flatMap((block) => block.split(/^(?=\s*(?:query|mutation|subscription)\b)/m)), ...inline]
		.map((text) => text.trim())
		.filter((text) => text !== "");
}

describe("the README pages", () => {
	let env: Record<string, string>;
	let server: TestServer;

	beforeAll(async () => {
		const root = heldFolder();
		generateTree({ root, entries: 200 });
		env = { CACHE_DIR: root, DATA_DIR: heldFolder(), CACHE_TIMEZONE: "UTC", LOG_LEVEL: "error", JWT_SECRET: TEST_SECRET, LANG: "C" };
		server = await startServer(env);
	});
	afterAll(async () => {
		await server.stop();
		removeHeldFolders();
	});

	it("show the same commands and queries in both languages", () => {
		const [english = "", chinese = ""] = PAGES.map(textOf);
		expect(commandsOf(chinese)).toEqual(commandsOf(english));
		expect(operationsOf(chinese)).toEqual(operationsOf(english));
		expect(commandsOf(english).length).toBeGreaterThan(10);
		expect(operationsOf(english).length).toBe(4);
	});

	it.each(commandsOf(textOf("README.md")).filter((line) => line.startsWith("npx cachewarden ")))("%s", async (line) => {
		const ended = await callCommand(line.split(" ").slice(2), { env });
		expect(ended).toMatchObject({ code: 0, out: expect.stringMatching(/\S/) });
	});

	it("the queries of the first five minutes answer, one after the other, and the subscription tells of the cleanup", async () => {
		const [preview = "", cleanup = "", progress = "", log = ""] = operationsOf(textOf("README.md"));
		const looked = await server.query<{ cleanupPreview: { planId: string; entries: number } }>(preview);
		expect(looked.errors).toBeUndefined();
		const states = server.subscribe<{ cleanupProgress: { jobId: string } }>(progress);
		const first = states.next();
		const begun = await eventually(
			async () => {
				const { data, errors } = await server.query<{ cleanup: { job: { id: string } } }>(
					cleanup.replace("p…", looked.data.cleanupPreview.planId),
				);
				expect(errors).toBeUndefined();
				return data.cleanup.job;
			},
			{ withinMs: 10_000 },
		);
		expect((await first).value?.cleanupProgress.jobId).toBe(begun.id);
		await states.return?.();
		const { data } = await server.query<{ auditLog: { nodes: { action: string }[] } }>(log);
		expect(data.auditLog.nodes.map(({ action }) => action)).toContain("cleanup");
	});

	it("begin with a command that really starts it: on a sample cache, with a link that opens the playground", async () => {
		const [demo = ""] = commandsOf(textOf("README.md"));
		expect(demo).toBe("npm start -- --demo");
		const [command = "", ...args] = demo.split(" ");
		const child = spawn(command, args, {
			cwd: TOP,
			env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/", TMPDIR: process.env.TMPDIR ?? "/tmp", PORT: "0", LANG: "C" },
			stdio: ["ignore", "pipe", "inherit"],
			// npm puts a shell in between: all of them are told to stop.
			detached: true,
		});
		const ended = once(child, "exit");
		let printed = "";
		child.stdout.setEncoding("utf8").on("data", (text: string) => {
			printed += text;
		});
		try {
			const [, link = ""] = await eventually(
				() => /^\s*(http:\S+\/playground)#token=\S+$/m.exec(printed) ?? Promise.reject(new Error(printed)),
				{
					withinMs: 120_000,
					everyMs: 100,
				},
			);
			expect((await fetch(link)).status).toBe(200);
		} finally {
			process.kill(-(child.pid as number), "SIGTERM");
			await ended;
		}
	}, 150_000);

	it.each(PAGES)("%s leads only to what is there, and shows a picture that is one", (name) => {
		const targets = [...textOf(name).matchAll(/\]\(([^)#]+)\)/g)]
			.map(([, target = ""]) => target)
			.filter((target) => !target.includes("://"));
		expect(targets.length).toBeGreaterThan(5);
		expect(targets.filter((target) => !existsSync(join(TOP, target)))).toEqual([]);
		const picture = join(TOP, "docs/playground.png");
		expect(targets).toContain("docs/playground.png");
		expect(readFileSync(picture).subarray(1, 4).toString()).toBe("PNG");
		expect(statSync(picture).size).toBeLessThan(200_000);
	});
});
