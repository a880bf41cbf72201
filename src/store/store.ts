/**
 * The embedded store: one SQLite file in DATA_DIR, written by one thread of one process. The main thread never waits for
 * the disk, and callers that come together share one transaction and one wait.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { CachewardenError } from "../core/errors.js";
import type { AnyModule, CallsOf, OptionsOf } from "./procedures.js";
import { serverFile } from "./server-file.js";
import { startThread, type Thread } from "./thread.js";
import { thrownError } from "./thrown.js";

export interface Store {
	readonly dataDir: string;
	/** Loads a module (its file exports `storeModule`) into the store's threads and brings its tables up to date. Once a module. */
	use<Module extends AnyModule>(name: string, url: URL, options: OptionsOf<Module>): Promise<CallsOf<Module>>;
	/** Ends after what was asked before. */
	close(): Promise<void>;
}

export interface StoreOptions {
	/** Created when missing, mode 0700. */
	readonly dataDir: string;
	readonly warn: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

/** STORE_LOCKED at once when another process, or another store in this one, holds the same folder. */
export async function openStore({ dataDir, warn }: StoreOptions): Promise<Store> {
	await mkdir(dataDir, { recursive: true, mode: 0o700 });
	const data = { storeFile: join(dataDir, "store.db"), lockFile: join(dataDir, "lock.db") };
	const writer = await startThread({ role: "write", ...data }, warn, (thrown) =>
		thrown.kind === "sqlite" && thrown.code.startsWith("SQLITE_BUSY")
			? new CachewardenError("STORE_LOCKED", { key: "error.storeLocked", facts: { dir: dataDir } })
			: thrownError(thrown),
	);
	let reader: Thread;
	try {
		// Whoever published an address before does not hold the lock any more.
		await rm(serverFile(dataDir), { force: true });
		reader = await startThread({ role: "read", ...data }, warn, thrownError);
	} catch (error) {
		await writer.close();
		throw error;
	}
	return {
		dataDir,
		async use<Module extends AnyModule>(name: string, url: URL, options: OptionsOf<Module>) {
			for (const thread of [writer, reader]) await thread.ask({ kind: "use", module: name, url: url.href, options });
			return { write: callsTo(writer, name), read: callsTo(reader, name) } as CallsOf<Module>;
		},
		async close() {
			for (const thread of [reader, writer]) thread.refuse();
			// The last one to close leaves a single file behind, and holds the lock until then.
			await reader.close();
			await writer.close();
		},
	};
}

function callsTo(thread: Thread, module: string): object {
	return new Proxy(
		{},
		{
			get: (_target, name) =>
				typeof name === "string" && name !== "then"
					? (argument: unknown) => thread.ask({ kind: "call", module, name, argument })
					: undefined,
		},
	);
}
