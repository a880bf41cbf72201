import { constants } from "node:fs";
import { access, lstat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Clock } from "../../core/clock.js";
import type { BackendKind } from "../../core/entry.js";
import { CachewardenError, type Failure, failureOf } from "../../core/errors.js";
import type { BackendHealth } from "../backend.js";
import { resolveRoot, rootRefusal } from "./descent.js";

/** Below the port's 2 s. */
const HEALTH_TIMEOUT_MS = 1_500;

/** One configured folder. */
export class Root {
	private readonly path: string;
	private readonly id: string;
	private resolved: Promise<string>;
	/** A file system that hangs is asked once, not again with every question. */
	private asked: Promise<Failure | null> | null = null;

	constructor(
		private readonly kind: BackendKind,
		name: string,
		path: string,
		private readonly clock: Clock,
	) {
		// Also takes away a slash at the end, which would make lstat follow a link.
		this.path = resolve(path);
		this.id = `${kind.toLowerCase()}:${name}`;
		this.resolved = resolveRoot(this.path);
		// While it cannot be, `health` says why, and `resolve` tries again.
		this.resolved.catch(() => undefined);
	}

	/** The path with links in its parents resolved, as they were when that was first possible: what is a link later was put there. */
	resolve(): Promise<string> {
		return this.resolved.catch(() => {
			this.resolved = resolveRoot(this.path);
			return this.resolved;
		});
	}

	/** Answers within 2 s. */
	async health(): Promise<BackendHealth> {
		const began = performance.now();
		this.asked ??= problemOf(this.path).finally(() => {
			this.asked = null;
		});
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<Failure>((answer) => {
			timer = setTimeout(() => answer(failureOf(new CachewardenError("BACKEND_TIMEOUT"))), HEALTH_TIMEOUT_MS);
		});
		const error = await Promise.race([this.asked, late]);
		clearTimeout(timer);
		return {
			id: this.id,
			kind: this.kind,
			available: error === null,
			location: this.path,
			version: null,
			latencyMs: error === null ? performance.now() - began : null,
			usedMemoryBytes: null,
			error,
			checkedAt: this.clock.now(),
		};
	}
}

async function problemOf(path: string): Promise<Failure | null> {
	try {
		const stats = await lstat(path);
		if (stats.isSymbolicLink()) throw new CachewardenError("BAD_PATH", { key: "error.rootIsLink", facts: { path } });
		if (!stats.isDirectory()) throw new CachewardenError("BACKEND_UNAVAILABLE", { key: "error.rootMissing", facts: { path } });
		await access(path, constants.R_OK | constants.X_OK);
		return null;
	} catch (error) {
		return failureOf(rootRefusal(error, path));
	}
}
