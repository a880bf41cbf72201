import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const LOOK_AGAIN_MS = 200;

/**
 * One process of this machine at a time does the work of that name; the others wait. A lock whose process has ended is
 * taken over. `withinMs` is how long another's work is waited for.
 */
export async function alone<T>(lockFile: string, work: () => Promise<T>, withinMs = 600_000): Promise<T> {
	mkdirSync(dirname(lockFile), { recursive: true });
	const deadline = performance.now() + withinMs;
	while (!take(lockFile)) {
		if (performance.now() > deadline) throw new Error(`${lockFile} has been held for too long; remove it when nothing is being fetched`);
		await new Promise((turn) => setTimeout(turn, LOOK_AGAIN_MS));
	}
	try {
		return await work();
	} finally {
		rmSync(lockFile, { force: true });
	}
}

function take(lockFile: string): boolean {
	try {
		writeFileSync(lockFile, String(process.pid), { flag: "wx" });
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		if (!isHeld(lockFile)) rmSync(lockFile, { force: true });
		return false;
	}
}

function isHeld(lockFile: string): boolean {
	let text: string;
	try {
		text = readFileSync(lockFile, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
		throw error;
	}
	// Made, and its number not written yet.
	if (text === "") return true;
	try {
		process.kill(Number(text), 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code !== "ESRCH";
	}
}
