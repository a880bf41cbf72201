import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { temporaryFolder } from "../testkit/temporary.js";

const TOP = fileURLToPath(new URL("../../", import.meta.url));

/** Runs the project's own rules over a small tree of files that import each other. */
function check(files: Readonly<Record<string, string>>): { readonly code: number | null; readonly output: string } {
	const folder = temporaryFolder();
	symlinkSync(join(TOP, "node_modules"), join(folder, "node_modules"));
	for (const name of [".dependency-cruiser.cjs", "tsconfig.json"]) writeFileSync(join(folder, name), readFileSync(join(TOP, name)));
	writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
	for (const [path, imported] of Object.entries(files)) {
		mkdirSync(dirname(join(folder, path)), { recursive: true });
		writeFileSync(join(folder, path), imported === "" ? "export const x = 1;\n" : `export { x } from "${imported}";\n`);
	}
	const cruiser = join(TOP, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
	const { status, stdout, stderr } = spawnSync(process.execPath, [cruiser, "src", "--config", "--output-type", "err"], {
		cwd: folder,
		encoding: "utf8",
	});
	return { code: status, output: stdout + stderr };
}

describe("the check of import directions", () => {
	it("lets through what the architecture allows", () => {
		const { code, output } = check({
			"src/core/a.ts": "",
			"src/jobs/port.ts": "../core/a.js",
			"src/jobs/embedded/b.ts": "../port.js",
			"src/operations/c.ts": "../jobs/port.js",
			"src/resolvers/d.ts": "../operations/c.js",
			"src/app.ts": "./jobs/embedded/b.js",
			"src/main.ts": "./app.js",
		});
		expect(output).toContain("no dependency violations found");
		expect(code).toBe(0);
	});

	it("finds what it forbids, each by its rule", () => {
		const forbidden: readonly (readonly [rule: string, file: string, imported: string])[] = [
			["core-is-pure", "src/core/a.ts", "../operations/target.js"],
			["ports-know-core", "src/jobs/port.ts", "./embedded/target.js"],
			["adapters-know-their-port", "src/jobs/embedded/a.ts", "../../audit/embedded/target.js"],
			["adapters-know-their-port", "src/backends/file/a.ts", "../python/target.js"],
			["operations-know-ports", "src/operations/a.ts", "../jobs/embedded/target.js"],
			["graphql-knows-operations", "src/resolvers/a.ts", "../catalog/target.js"],
			["cli-knows-the-client", "src/cli/a.ts", "../http/target.js"],
			["client-stands-alone", "src/client/a.ts", "../core/target.js"],
			["app-is-the-root", "src/http/a.ts", "../app.js"],
			["source-without-tests", "src/core/b.ts", "../../test/target.js"],
			["no-missing-modules", "src/core/c.ts", "./nowhere.js"],
			["no-cycles", "src/core/d.ts", "./e.js"],
		];
		const targets = ["operations", "jobs/embedded", "audit/embedded", "backends/python", "catalog", "http", "core"];
		const { code, output } = check({
			...Object.fromEntries(targets.map((folder) => [`src/${folder}/target.ts`, ""])),
			"test/target.ts": "",
			"src/app.ts": "",
			"src/core/e.ts": "./d.js",
			...Object.fromEntries(forbidden.map(([, file, imported]) => [file, imported])),
		});
		for (const [rule, file] of forbidden) expect(output).toContain(`error ${rule}: ${file} → `);
		expect(code).not.toBe(0);
	});
});
