/** `npm start`: installs what is missing, builds what has changed, and serves. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuilt } from "./build.mjs";
import { ensureInstalled } from "./install.mjs";
import { TOP } from "./run.mjs";

try {
	await ensureInstalled();
	await ensureBuilt();
} catch (error) {
	console.error(error.message);
	process.exit(1);
}
// npm dies of a SIGTERM without passing it on; a server without its npm would hold the port and the store for ever.
const parent = process.ppid;
if (process.env.npm_lifecycle_event === "start")
	setInterval(() => process.ppid !== parent && process.kill(process.pid, "SIGTERM"), 500).unref();

// In this process: signals reach the server, and nobody has to pass them on.
const main = join(TOP, "dist", "main.js");
process.argv.splice(1, 1, main, "serve");
await import(pathToFileURL(main).href);
