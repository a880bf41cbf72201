/** What is published: the package as npm makes it, in a project that has nothing of this checkout. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { build } from "esbuild";

const TOP = fileURLToPath(new URL("../../", import.meta.url));
/** Whatever else the client needed would not be found. */
const NEEDED = ["graphql-ws", "graphql", "@graphql-typed-document-node/core"];

const USE = `
import { AuditLogAddedDocument, createClient, type CachewardenClient, SessionError, StatsDocument } from "cachewarden/client";

const client: CachewardenClient = createClient({ url: "http://127.0.0.1:4000", token: async () => "t" });
export async function use(signal: AbortSignal): Promise<number> {
	const { cacheStats } = await client.execute(StatsDocument, { fresh: true }, { signal });
	for await (const { auditLogAdded } of client.subscribe(AuditLogAddedDocument, { after: "c" }, { signal })) {
		const action: string = auditLogAdded.node.action;
		if (action === "") throw new SessionError("INTERNAL", action);
	}
	return cacheStats?.totalBytes ?? 0;
}
// @ts-expect-error a misspelt variable
void client.execute(StatsDocument, { fersh: true });
// @ts-expect-error a required variable
void client.execute(JobDocument);
import { JobDocument } from "cachewarden/client";
`;

describe("the published package", () => {
	const folder = mkdtempSync(join(tmpdir(), "cachewarden-package-"));
	const project = join(folder, "project");
	const installed = join(project, "node_modules", "cachewarden");

	beforeAll(() => {
		mkdirSync(installed, { recursive: true });
		const [tarball] = JSON.parse(run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], TOP)) as {
			filename: string;
		}[];
		run("tar", ["-xzf", join(folder, tarball?.filename ?? ""), "--strip-components=1", "-C", installed], folder);
		for (const name of NEEDED) {
			mkdirSync(dirname(join(project, "node_modules", name)), { recursive: true });
			symlinkSync(join(TOP, "node_modules", name), join(project, "node_modules", name));
		}
		writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
		writeFileSync(join(project, "use.ts"), USE);
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	function run(command: string, args: string[], cwd: string): string {
		return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
	}

	it("holds the program, its pages and its contract, and neither sources nor tests", () => {
		expect(readdirSync(installed).sort()).toEqual([
			"CHANGELOG.md",
			"LICENSE",
			"README.md",
			"README.zh.md",
			"bin",
			"dist",
			"docs",
			"package.json",
			"playground",
			"schema.graphql",
		]);
	});

	it("gives the client to Node, and nothing of the server", () => {
		const script = `
			import { createClient, StatsDocument } from "cachewarden/client";
			const inside = await import("cachewarden/dist/app.js").then(() => "open", (error) => error.code);
			console.log(JSON.stringify([typeof createClient({ url: "http://127.0.0.1:1", token: null }).execute, String(StatsDocument).trim().slice(0, 11), inside]));
		`;
		const out = run(process.execPath, ["--input-type=module", "-e", script], project);
		expect(JSON.parse(out)).toEqual(["function", "query Stats", "ERR_PACKAGE_PATH_NOT_EXPORTED"]);
	});

	it.each([
		["nodenext", { module: "nodenext", moduleResolution: "nodenext" }],
		["bundler", { module: "esnext", moduleResolution: "bundler" }],
	])("has types that hold on their own (%s)", (name, resolution) => {
		const compilerOptions = { noEmit: true, strict: true, target: "es2022", lib: ["es2023", "dom"], types: [], ...resolution };
		writeFileSync(join(project, `${name}.json`), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
		const { stdout } = spawnSync(process.execPath, [join(TOP, "node_modules/typescript/bin/tsc"), "-p", `${name}.json`], {
			cwd: project,
			encoding: "utf8",
		});
		expect(stdout).toBe("");
	});

	it("can be bundled for a browser, from its own files and graphql-ws alone", async () => {
		const { metafile, warnings } = await build({
			stdin: { contents: USE, resolveDir: project, loader: "ts" },
			bundle: true,
			format: "esm",
			platform: "browser",
			write: false,
			metafile: true,
			absWorkingDir: project,
			logLevel: "silent",
		});
		expect(warnings).toEqual([]);
		const inputs = Object.keys(metafile.inputs).filter((path) => path !== "<stdin>");
		const foreign = inputs.filter(
			(path) => !/(^|\/)cachewarden\/dist\/client\//.test(path) && !/\/graphql-ws\/dist\/[\w-]+\.js$/.test(path),
		);
		expect(foreign).toEqual([]);
		expect(inputs.some((path) => path.endsWith("dist/client/generated/graphql.js"))).toBe(true);
		expect(inputs.filter((path) => /server/.test(path))).toEqual([]);
	});
});
