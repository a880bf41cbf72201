/** `npm run bench`: every benchmark in turn, or those named, alone on the machine. Numbers belong in docs/performance.md with the machine that gave them. */
import { ensureBuilt } from "./build.mjs";
import { ensureInstalled } from "./install.mjs";
import { run } from "./run.mjs";

const BENCHES = [
	"catalog",
	"cleanup-server",
	"cleanup-memory",
	"cleanup",
	"graphql",
	"fan-out",
	"redis",
	"mongodb",
	"audit",
	"queue",
	"workers",
];

const asked = process.argv.slice(2);
const strange = asked.find((name) => !BENCHES.includes(name));
if (strange !== undefined) {
	console.error(`${strange} is no benchmark; there are ${BENCHES.join(", ")}`);
	process.exit(2);
}
await ensureInstalled();
await ensureBuilt();
for (const name of asked.length > 0 ? asked : BENCHES) {
	console.log(`\n# ${name}`);
	const { code } = await run(process.execPath, ["--import", "@swc-node/register/esm-register", `bench/${name}.ts`], {});
	if (code !== 0) process.exitCode = 1;
}
