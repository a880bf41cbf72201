import type { mongo } from "mongoose";
import type { Clock } from "../../core/clock.js";
import { failureOf } from "../../core/errors.js";
import type { BackendHealth } from "../backend.js";
import type { MongodbConnection } from "./connection.js";

/** Leaves time for the answer to get to whoever asked within 2 s. */
const HEALTH_MS = 1_600;
const MIB = 1_048_576;

interface Findings {
	readonly version: string;
	readonly latencyMs: number;
	/** Null when the user may not ask for it. */
	readonly usedMemoryBytes: number | null;
}

/** How the server is. Asked once for all who want to know at the same time. */
export class HealthProbe {
	private asked: Promise<Findings> | null = null;

	constructor(
		private readonly connection: MongodbConnection,
		private readonly clock: Clock,
	) {}

	async health(): Promise<BackendHealth> {
		const { location } = this.connection;
		const common = { id: "mongodb", kind: "MONGODB", location, checkedAt: this.clock.now() } as const;
		try {
			const findings = await this.connection.runWithin(HEALTH_MS, (db) => this.ask(db));
			return { ...common, ...findings, available: true, error: null };
		} catch (error) {
			return { ...common, available: false, version: null, latencyMs: null, usedMemoryBytes: null, error: failureOf(error) };
		}
	}

	private ask(db: mongo.Db): Promise<Findings> {
		this.asked ??= find(db).finally(() => {
			this.asked = null;
		});
		return this.asked;
	}
}

async function find(db: mongo.Db): Promise<Findings> {
	// The first command may have to connect, which is not what latency means.
	const { version } = await db.command({ buildInfo: 1 });
	const began = performance.now();
	await db.command({ ping: 1 });
	const latencyMs = performance.now() - began;
	return { version: String(version), latencyMs, usedMemoryBytes: await memoryOf(db) };
}

async function memoryOf(db: mongo.Db): Promise<number | null> {
	try {
		// Without `metrics: 0`, which leaves out `mem` too.
		const { mem } = await db.admin().command({ serverStatus: 1, repl: 0, locks: 0, wiredTiger: 0 });
		return typeof mem?.resident === "number" ? mem.resident * MIB : null;
	} catch {
		return null;
	}
}
