import { opendir, readFile, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Config } from "../../config/config.js";
import { formatBytes } from "../format.js";
import { type Check, ok, wrong } from "./check.js";
import { nearestFolder } from "./folders.js";

const MIB = 1_048_576;
const SPACE_FAULT = 64 * MIB;
const SPACE_WARNING = 512 * MIB;
/** More are not counted: the answer is clear by then. */
const MAX_FOLDERS = 200_000;
/** What the kernel holds for a reader that is busy; a burst beyond it is lost without a word. */
const USUAL_QUEUE = 16_384;
/** Types of file systems that other machines write to: their changes raise no event here. */
const REMOTE_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
	[0x6969, "NFS"],
	[0xff534d42, "CIFS"],
	[0xfe534d42, "SMB2"],
	[0x65735546, "FUSE"],
	[0x01021997, "9P"],
]);

export async function checkSpace({ dataDir }: Config): Promise<Check> {
	const folder = await nearestFolder(dataDir);
	const { bavail, bsize } = await statfs(folder);
	const free = bavail * bsize;
	const facts = { path: folder, free: formatBytes(free) };
	if (free >= SPACE_WARNING) return ok("space", "doctor.space.ok", facts);
	return wrong(free < SPACE_FAULT ? "fault" : "warning", "space", "doctor.space.low", "doctor.space.lowRemedy", facts);
}

/** One watch a folder is needed, of those that the kernel grants a user. */
export async function checkWatches(config: Config): Promise<Check[]> {
	if (!config.catalog.watch) return [ok("watch", "doctor.watch.off", { seconds: config.catalog.reconcileEverySeconds })];
	const checks: Check[] = [];
	for (const { name, path } of config.cache.roots) checks.push(...(await checkRemote(name, path, config)));
	if (process.platform !== "linux") return checks;
	let needed = 0;
	for (const { path } of [...config.cache.roots, ...config.python.roots]) needed += await countFolders(path, MAX_FOLDERS - needed);
	const watches = await inotifyLimit("max_user_watches");
	const queue = await inotifyLimit("max_queued_events");
	if (watches === null || queue === null) return checks;
	const facts = { needed, watches, queue, usual: USUAL_QUEUE, wanted: Math.max(8_192, 2 ** Math.ceil(Math.log2(needed * 2))) };
	if (needed > watches) checks.push(wrong("fault", "watch", "doctor.watch.tooFew", "doctor.watch.tooFewRemedy", facts));
	else checks.push(ok("watch", "doctor.watch.ok", facts));
	if (queue < USUAL_QUEUE) checks.push(wrong("warning", "watch:queue", "doctor.watch.shortQueue", "doctor.watch.shortQueueRemedy", facts));
	return checks;
}

/** Somebody else's server on our port. Whether it is our own is known from the store. */
export async function checkPort({ host, port }: Config, ourUrl: string | null): Promise<Check> {
	const facts = { host, port };
	if (port === 0) return ok("port", "doctor.port.any");
	if (ourUrl !== null && new URL(ourUrl).port === String(port)) return ok("port", "doctor.port.ours", { url: ourUrl });
	const code = await listenCode(host, port);
	if (code === null) return ok("port", "doctor.port.ok", facts);
	if (code === "EADDRINUSE") return wrong("fault", "port", "doctor.port.inUse", "doctor.port.inUseRemedy", facts);
	if (code === "EACCES") return wrong("fault", "port", "doctor.port.forbidden", "doctor.port.forbiddenRemedy", facts);
	return wrong("fault", "port", "doctor.port.noAddress", "doctor.port.noAddressRemedy", { ...facts, code });
}

function listenCode(host: string, port: number): Promise<string | null> {
	return new Promise((resolve) => {
		const server = createServer();
		server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
		server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
	});
}

async function checkRemote(name: string, path: string, config: Config): Promise<Check[]> {
	const { type } = await statfs(await nearestFolder(path));
	const fileSystem = REMOTE_FILE_SYSTEMS.get(type);
	if (fileSystem === undefined) return [];
	const facts = { path, fileSystem, seconds: config.catalog.reconcileEverySeconds };
	const id = `watch:${name}`;
	if (config.catalog.reconcileEverySeconds > 0) return [ok(id, "doctor.watch.remote", facts)];
	return [wrong("warning", id, "doctor.watch.remoteBlind", "doctor.watch.remoteBlindRemedy", facts)];
}

async function inotifyLimit(name: string): Promise<number | null> {
	try {
		return Number(await readFile(`/proc/sys/fs/inotify/${name}`, "utf8"));
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ENOENT" || code === "EACCES") return null;
		throw error;
	}
}

async function countFolders(root: string, most: number): Promise<number> {
	let count = 0;
	const waiting = [root];
	for (let path = waiting.pop(); path !== undefined && count < most; path = waiting.pop()) {
		count++;
		try {
			for await (const item of await opendir(path, { bufferSize: 1_024 })) if (item.isDirectory()) waiting.push(join(path, item.name));
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			// Named by the check of the roots already.
			if (code !== "ENOENT" && code !== "EACCES" && code !== "ENOTDIR") throw error;
		}
	}
	return count;
}
