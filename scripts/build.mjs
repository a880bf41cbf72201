/** Typed documents and compiled sources. `npm run build` makes both; start and test only what is older than its sources. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bin, TOP } from "./run.mjs";

const STEPS = [
	{
		name: "typed documents",
		sources: ["schema.graphql", "codegen.yml", "src/client/documents"],
		target: "src/client/generated",
		make: () => bin("@graphql-codegen/cli", "graphql-codegen", ["--config", "codegen.yml", "--silent"], { show: false }),
	},
	{ name: "program", sources: ["src", "tsconfig.json", "package-lock.json"], target: "dist", make: compile },
];

export async function ensureBuilt({ always = false } = {}) {
	for (const step of STEPS) {
		const stamp = join(TOP, step.target, ".made-from");
		const state = stateOf(step.sources, step.target);
		if (!always && existsSync(stamp) && readFileSync(stamp, "utf8") === state) continue;
		console.error(`building: ${step.name}…`);
		const { code, output } = await step.make();
		if (code !== 0) throw new Error(`building the ${step.name} failed:\n${output}`);
		mkdirSync(join(TOP, step.target), { recursive: true });
		writeFileSync(stamp, state);
	}
}

async function compile() {
	const dist = join(TOP, "dist");
	// The compiler remembers what it wrote, not whether it is still there.
	if (!existsSync(join(dist, "main.js"))) rmSync(join(TOP, "node_modules", ".cache", "tsbuildinfo.json"), { force: true });
	const result = await bin("typescript", "tsc", ["-p", ".", "--pretty", "false"], { show: false });
	if (result.code === 0) removeOrphans(dist);
	return result;
}

/** Modules whose source has gone would otherwise still be found. */
function removeOrphans(dist) {
	for (const path of filesIn(dist)) {
		const source = path.replace(/(\.d\.ts|\.js|\.js\.map)$/, ".ts");
		if (source !== path && !existsSync(join(TOP, "src", source.slice(dist.length + 1)))) rmSync(path);
	}
}

/** Names, sizes and times of all sources; what was made from them is not one. */
function stateOf(sources, target) {
	const hash = createHash("sha256");
	for (const source of sources)
		for (const path of filesIn(join(TOP, source))) {
			if (path.startsWith(join(TOP, target))) continue;
			const { size, mtimeMs } = statSync(path);
			hash.update(`${path}\0${size}\0${mtimeMs}\n`);
		}
	return hash.digest("hex");
}

function filesIn(path) {
	if (!statSync(path).isDirectory()) return [path];
	return readdirSync(path)
		.sort()
		.flatMap((name) => filesIn(join(path, name)));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
	try {
		await ensureBuilt({ always: true });
	} catch (error) {
		console.error(error.message);
		process.exitCode = 1;
	}
}
