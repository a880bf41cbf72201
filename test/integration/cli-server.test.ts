import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import { type CommandOptions, callCommand, type RunningCommand, runCommand, startCommand } from "../testkit/cli.js";
import { eventually } from "../testkit/eventually.js";
import { startServer, TEST_SECRET, type TestServer, testToken } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";

let root: string;
let env: Record<string, string>;
let server: TestServer | undefined;
const followers: RunningCommand[] = [];

beforeEach(() => {
	root = temporaryFolder();
	env = { CACHE_DIR: root, DATA_DIR: temporaryFolder(), CACHE_TIMEZONE: "UTC", JWT_SECRET: TEST_SECRET, LOG_LEVEL: "warn" };
});
afterEach(async () => {
	for (const follower of followers.splice(0)) follower.process.kill("SIGKILL");
	await server?.stop();
	server = undefined;
});

async function json<T>(args: readonly string[], options: CommandOptions = { env }): Promise<{ code: number | null; answer: T }> {
	const { code, out, err } = await callCommand([...args, "--json"], options);
	if (out === "") throw new Error(err);
	return { code, answer: JSON.parse(out) as T };
}

function follow(...args: string[]): RunningCommand {
	const command = startCommand([...args, "--follow", "--json"], { env });
	followers.push(command);
	return command;
}

function lines<T>(text: string): T[] {
	return text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as T);
}

interface JobAnswer {
	readonly id: string;
	readonly status: string;
	readonly requestedBy: string;
	readonly progress: { readonly deletedEntries: number };
}
interface AuditLine {
	readonly cursor: string;
	readonly node: { readonly sequence: number; readonly action: string };
}

describe("the command line while a server holds the store", () => {
	it("works through that server", async () => {
		generateTree({ root, entries: 300 });
		server = await startServer(env);
		const stats = await json<{ totalEntries: number }>(["stats"]);
		expect(stats).toMatchObject({ code: 0, answer: { totalEntries: 300 } });
		const cleaned = await json<JobAnswer>(["cleanup", "--days", "7"]);
		expect(cleaned).toMatchObject({ code: 0, answer: { status: "SUCCEEDED" } });
		const left = readdirSync(join(root, "metadata")).length;
		expect(cleaned.answer.progress.deletedEntries).toBe(300 - left);
		const { data } = await server.query<{ jobs: { nodes: { id: string }[] } }>("{ jobs { nodes { id } } }");
		expect(data.jobs.nodes).toEqual([{ id: cleaned.answer.id }]);
		expect((await json<{ valid: boolean }>(["audit", "verify"])).answer.valid).toBe(true);

		const second = await runCommand(["serve"], { env: { ...env, PORT: "0" } });
		expect(second.code).toBe(1);
		expect(second.err).toContain(`Another process uses ${env.DATA_DIR}`);
	});

	it("follows a job to its end with a rising sequence, and cancels one", async () => {
		generateTree({ root, entries: 8_000 });
		server = await startServer(env);
		const { data } = await server.query<{ clear: { job: { id: string } } }>("mutation { clear(input: { confirm: true }) { job { id } } }");
		const { id } = data.clear.job;
		const watching = callCommand(["job", id, "--follow", "--json"], { env });
		const left = (): number => readdirSync(join(root, "metadata")).length;
		await eventually(() => expect(left()).toBeLessThan(8_000), { withinMs: 20_000, everyMs: 2 });
		const cancelled = await json<JobAnswer>(["cancel", id]);
		expect(cancelled).toMatchObject({ code: 0, answer: { status: "CANCELLED" } });
		const { code, out } = await watching;
		expect(code).toBe(1);
		const states = lines<{ sequence: number; status: string; deletedEntries: number }>(out);
		for (let i = 1; i < states.length; i++) expect(states[i]?.sequence).toBeGreaterThan(states[i - 1]?.sequence ?? 0);
		expect(states.at(-1)).toMatchObject({ status: "CANCELLED", deletedEntries: cancelled.answer.progress.deletedEntries });
		expect(cancelled.answer.progress.deletedEntries).toBe(8_000 - left());
		expect((await json<{ totalCount: number }>(["jobs", "--status", "cancelled", "--kind", "clear"])).answer.totalCount).toBe(1);
	});

	it("follows the audit log across a kill of the server, without gap or repeat", async () => {
		generateTree({ root, entries: 20 });
		server = await startServer(env);
		for (let i = 0; i < 3; i++) await json(["cleanup", "--days", "3650"]);
		const watching = follow("audit");
		const sequences = (): number[] => lines<AuditLine>(watching.out()).map((line) => line.node.sequence);
		await eventually(() => expect(sequences()).toEqual([1, 2, 3]), { withinMs: 10_000 });
		await json(["cleanup", "--days", "3650"]);
		await eventually(() => expect(sequences()).toEqual([1, 2, 3, 4]), { withinMs: 10_000 });
		await server.stop("SIGKILL");
		server = await startServer(env);
		for (let i = 0; i < 2; i++) await json(["cleanup", "--days", "3650"]);
		await eventually(() => expect([watching.err(), sequences()]).toEqual(["", [1, 2, 3, 4, 5, 6]]), { withinMs: 20_000 });
		watching.process.kill("SIGINT");
		expect((await watching.ended).code).toBe(130);
	});

	it("asks a server by address with the token that it is given, and fails as that server says", async () => {
		generateTree({ root, entries: 20 });
		server = await startServer(env);
		const elsewhere = { env: { CACHEWARDEN_TOKEN: await testToken("VIEWER"), LANG: "zh_CN.UTF-8" } };
		expect(await json(["stats", "--url", server.url], elsewhere)).toMatchObject({ code: 0, answer: { totalEntries: 20 } });
		const refused = await callCommand(["clear", "--yes", "--url", server.url], elsewhere);
		expect(refused).toEqual({ code: 1, out: "", err: "cachewarden: 权限不足\n" });
		const unknown = await json(["stats", "--url", server.url, "--token", "nonsense"], elsewhere);
		expect(unknown).toMatchObject({ code: 1, answer: { error: { code: "UNAUTHENTICATED" } } });
		expect(readdirSync(join(root, "metadata"))).toHaveLength(20);
	});

	it("says that nobody answers at an address", async () => {
		const refused = await json(["stats", "--url", "http://127.0.0.1:1"]);
		expect(refused).toMatchObject({ code: 1, answer: { error: { code: "UNREACHABLE" } } });
	});

	it("says which port is taken", async () => {
		const taken = createServer();
		const port = await new Promise<number>((resolve) => {
			taken.listen(0, "127.0.0.1", () => resolve((taken.address() as { port: number }).port));
		});
		const { code, err } = await runCommand(["serve"], { env: { ...env, PORT: String(port) } });
		taken.close();
		expect(code).toBe(1);
		expect(err).toContain(`127.0.0.1:${port} is in use by another program; set PORT`);
	});

	it("works alone again when the server was killed", async () => {
		generateTree({ root, entries: 20 });
		server = await startServer(env);
		await server.stop("SIGKILL");
		expect(await json(["stats"])).toMatchObject({ code: 0, answer: { totalEntries: 20 } });
	});
});
