/** Running other programs, for scripts that must work before anything is installed. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const TOP = dirname(dirname(fileURLToPath(import.meta.url)));

/** Resolves with the exit code, and with what was printed when it is not shown at once. */
export function run(command, args, { show = true, env = process.env } = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, {
			cwd: TOP,
			env,
			stdio: show ? "inherit" : ["ignore", "pipe", "pipe"],
			shell: command === "npm.cmd",
		});
		let output = "";
		for (const stream of show ? [] : [child.stdout, child.stderr])
			stream.setEncoding("utf8").on("data", (text) => {
				output += text;
			});
		child.once("error", reject);
		child.once("close", (code) => resolve({ code: code ?? 1, output }));
	});
}

/** npm as it was called, or the one on PATH. */
export function npm(args, options) {
	const { npm_execpath: itself } = process.env;
	if (itself?.endsWith(".js")) return run(process.execPath, [itself, ...args], options);
	return run(process.platform === "win32" ? "npm.cmd" : "npm", args, options);
}

/** The program of an installed package, without a shell between. */
export function bin(packageName, name, args, options) {
	const folder = join(TOP, "node_modules", packageName);
	const { bin: programs } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
	const file = typeof programs === "string" ? programs : programs[name];
	return run(process.execPath, [join(folder, file), ...args], options);
}
