import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createFileAtomically } from "./atomic-file.js";

const SECRET_BYTES = 32;

/** The secret kept at `path`, made on the first call: 43 characters, mode 0600. Processes that start together agree on one. */
export async function loadOrCreateSecret(path: string): Promise<{ readonly secret: string; readonly created: boolean }> {
	const kept = await readSecret(path);
	if (kept !== null) return { secret: kept, created: false };
	await mkdir(dirname(path), { recursive: true, mode: 0o700 });
	const secret = randomBytes(SECRET_BYTES).toString("base64url");
	if (await createFileAtomically(path, `${secret}\n`)) return { secret, created: true };
	const others = await readSecret(path);
	if (others === null) throw new Error(`${path} vanished while it was being made`);
	return { secret: others, created: false };
}

async function readSecret(path: string): Promise<string | null> {
	let text: string;
	try {
		text = (await readFile(path, "utf8")).trim();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
	if (text === "") throw new Error(`${path} is empty; remove it, or put a secret into it`);
	return text;
}
