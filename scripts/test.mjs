/**
 * `npm test`: installs what is missing, builds, checks, and runs every suite. Ends with one plain line; each check beside
 * the suites counts as one.
 *
 * --without-services  leaves out the suites that need more than Node, and says which
 * --soak              the long and large forms of the tests
 * anything else       goes to jest: paths of suites, -t
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBuilt } from "./build.mjs";
import { ensureInstalled } from "./install.mjs";
import { npm, run, TOP } from "./run.mjs";

/** A suite needs what it imports from the testkit. */
const SERVICES = { browser: "a browser", redis: "a Redis-protocol server", mongodb: "MongoDB" };
const SERVICE_IMPORT = new RegExp(`from "[./]*/testkit/(${Object.keys(SERVICES).join("|")})\\.js"`, "g");

const CHECKS = [
	{ name: "lint", script: "lint" },
	{ name: "types", script: "types" },
	{ name: "unused files, exports and packages", script: "unused" },
];

const args = process.argv.slice(2);
const withoutServices = take("--without-services");
const leftOut = withoutServices ? suitesThatNeedServices() : [];
const env = take("--soak") ? { ...process.env, SOAK: "1" } : process.env;

const tally = { passed: 0, failed: 0, skipped: 0 };

if ((await step("install", ensureInstalled)) && (await step("build", ensureBuilt))) {
	for (const { name, script } of CHECKS)
		await step(name, async () => {
			const { code, output } = await npm(["run", "--silent", script], { show: false });
			if (code !== 0) throw new Error(output.trim());
		});
	await runSuites();
}
for (const { suite, needs } of leftOut) console.log(`left out: ${suite} (needs ${needs})`);
if (withoutServices && leftOut.length === 0) console.log("left out: nothing, no suite needs a service");
console.log(`${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ""}`);
process.exitCode = tally.failed > 0 ? 1 : 0;

function take(flag) {
	const at = args.indexOf(flag);
	if (at >= 0) args.splice(at, 1);
	return at >= 0;
}

async function step(name, work) {
	const startedAt = performance.now();
	try {
		await work();
		tally.passed++;
		console.log(`✔ ${name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
		return true;
	} catch (error) {
		tally.failed++;
		console.log(`✘ ${name}\n${error.message}\n`);
		return false;
	}
}

async function runSuites() {
	const folder = mkdtempSync(join(tmpdir(), "cachewarden-test-"));
	const file = join(folder, "result.json");
	try {
		const jest = join(TOP, "node_modules", "jest", "bin", "jest.js");
		const ignored = leftOut.map(({ suite }) => `--testPathIgnorePatterns=/${suite.replaceAll(".", "\\.")}$`);
		// What the caller gave comes first: jest takes what follows a pattern for another pattern.
		const flags = [...args, "--json", `--outputFile=${file}`, ...ignored];
		const { code } = await run(process.execPath, ["--experimental-vm-modules", "--no-warnings", jest, ...flags], { env });
		count(existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null, code);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** A suite that could not even start has no tests to count, and is a failure all the same. */
function count(result, code) {
	const failedBefore = tally.failed;
	if (result !== null) {
		tally.passed += result.numPassedTests;
		tally.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
		tally.skipped += result.numPendingTests + result.numTodoTests;
	}
	if (code !== 0 && tally.failed === failedBefore) tally.failed++;
}

function suitesThatNeedServices() {
	return readdirSync(join(TOP, "test"), { recursive: true })
		.filter((path) => path.endsWith(".test.ts"))
		.sort()
		.flatMap((path) => {
			const needed = [...readFileSync(join(TOP, "test", path), "utf8").matchAll(SERVICE_IMPORT)].map((match) => SERVICES[match[1]]);
			return needed.length === 0 ? [] : [{ suite: `test/${path.replaceAll("\\", "/")}`, needs: needed.join(", ") }];
		});
}
