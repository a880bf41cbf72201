/** Installs what the lock file says and node_modules does not hold; nothing when they agree. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { npm, TOP } from "./run.mjs";

const MIN_NODE_MAJOR = 20;

export async function ensureInstalled() {
	if (Number(process.versions.node.split(".")[0]) < MIN_NODE_MAJOR)
		throw new Error(`Node ${process.versions.node} is too old; install Node ${MIN_NODE_MAJOR} or newer`);
	if (isInstalled()) return;
	console.error("installing what is missing…");
	// Not `npm ci`: it refuses a lock file that was made where some other platform's optional packages could not be had.
	const { code } = await npm(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]);
	if (code !== 0) throw new Error("npm install failed; see above");
}

/** npm keeps beside the packages what it put there. Packages for other platforms are rightly missing. */
function isInstalled() {
	const kept = join(TOP, "node_modules", ".package-lock.json");
	if (!existsSync(kept)) return false;
	const wanted = packagesIn(join(TOP, "package-lock.json"));
	const there = packagesIn(kept);
	return Object.entries(wanted).every(([path, { version, optional, devOptional, link }]) => {
		if (path === "" || link) return true;
		const found = there[path];
		return found === undefined ? Boolean(optional || devOptional) : found.version === version;
	});
}

function packagesIn(file) {
	return JSON.parse(readFileSync(file, "utf8")).packages;
}
