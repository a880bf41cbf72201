/**
 * One change stream for all configured collections, which tells ids and no values. It goes on from its token after whatever
 * ended it; only when the server no longer has what came after the token is something missed, and that is reported.
 */
import type { mongo } from "mongoose";
import type { SourceListener } from "../entry-source.js";
import type { MongodbConnection } from "./connection.js";
import { keyOfId } from "./document-key.js";
import { codeOf } from "./failures.js";
import { type ClusterTime, compareTimes, timeOfTimestamp, timeOfToken } from "./resume-token.js";

/** How long the server holds back an empty answer; with it the stream's time moves on, which barriers wait for. */
const AWAIT_MS = 250;
const BATCH = 1_000;
/** Changes are told together. */
const MAX_KEYS = 1_000;
const MAX_HELD_MS = 50;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;
const ASK_MS = 1_500;
const BARRIER_MS = 2_500;

/** MongoDB's numbers of what no token helps against: history lost, stream fatal, token invalid or too old, event too large. */
const LOST: ReadonlySet<number> = new Set([286, 280, 260, 234, 10334, 50811]);
const NO_REPLICA_SET: ReadonlySet<number> = new Set([40573, 20, 115]);
const UNAUTHORIZED = 13;

const DOCUMENT_CHANGES = ["insert", "update", "replace", "delete"];
const COLLECTION_CHANGES = ["drop", "rename"];
const DATABASE_CHANGES = ["dropDatabase", "invalidate"];

/** What the pipeline leaves of an event. */
interface ReportedChange {
	readonly _id: unknown;
	readonly operationType: string;
	readonly ns?: { readonly coll?: string };
	readonly to?: { readonly coll?: string };
	readonly documentKey?: { readonly _id: unknown };
}

interface Barrier {
	readonly time: ClusterTime;
	resolve(told: boolean): void;
}

type Stream = mongo.ChangeStream<mongo.Document, mongo.ChangeStreamDocument>;

export class ChangeWatch {
	private listener: SourceListener | null = null;
	private stream: Stream | null = null;
	private token: unknown = null;
	private running: Promise<void> | null = null;
	private closed = false;
	private readonly waiting = new Set<() => void>();
	private readonly held = new Map<string, Set<string>>();
	private heldSince = 0;
	private barriers: Barrier[] = [];

	constructor(
		private readonly connection: MongodbConnection,
		private readonly places: readonly string[],
	) {}

	/** Why the places can't be followed, or null when they are from now on. Rejects when the server can't be reached. */
	async start(listener: SourceListener): Promise<string | null> {
		this.listener = listener;
		if (this.running && this.stream) return null;
		this.wakeUp();
		const problem = await this.connection.run((db) => problemOf(db));
		if (problem !== null) return problem;
		if (this.running) {
			// It is about to come back, from its token.
			await this.opened();
			return null;
		}
		try {
			await this.open();
		} catch (error) {
			if (codeOf(error) === UNAUTHORIZED) return "the user may not watch for changes; grant it the role read on the database";
			throw this.connection.errorOf(error);
		}
		this.running = this.follow();
		return null;
	}

	/** False when the stream is not open, or has not come so far in time. */
	async barrier(): Promise<boolean> {
		if (!this.stream) return false;
		let operationTime: mongo.BSON.Timestamp | undefined;
		try {
			({ operationTime } = await this.connection.runWithin(ASK_MS, (db) => db.command({ ping: 1 })));
		} catch {
			return false;
		}
		if (!operationTime || !this.stream) return false;
		const time = timeOfTimestamp(operationTime);
		return new Promise((resolve) => {
			const timer = setTimeout(() => barrier.resolve(false), BARRIER_MS);
			const barrier: Barrier = {
				time,
				resolve: (told) => {
					clearTimeout(timer);
					this.barriers = this.barriers.filter((other) => other !== barrier);
					resolve(told);
				},
			};
			this.barriers.push(barrier);
		});
	}

	async close(): Promise<void> {
		this.closed = true;
		this.listener = null;
		this.wakeUp();
		await this.stream?.close().catch(() => undefined);
		this.dropBarriers();
		await this.running;
	}

	/** Resolves when the server has the stream: nothing that is written from then on is missed. */
	private async open(): Promise<void> {
		const stream = this.connection.db.watch(this.pipeline(), {
			maxAwaitTimeMS: AWAIT_MS,
			batchSize: BATCH,
			readPreference: "primary",
			...(this.token === null ? {} : { resumeAfter: this.token }),
		}) as unknown as Stream;
		try {
			// The first answer comes with the first batch, which mostly is empty.
			await this.take(stream, await stream.tryNext());
		} catch (error) {
			await stream.close().catch(() => undefined);
			throw error;
		}
		this.stream = stream;
	}

	private pipeline(): mongo.Document[] {
		const names = { $in: this.places };
		return [
			{
				$match: {
					$or: [
						{ operationType: { $in: [...DOCUMENT_CHANGES, ...COLLECTION_CHANGES] }, "ns.coll": names },
						{ operationType: "rename", "to.coll": names },
						{ operationType: { $in: DATABASE_CHANGES } },
					],
				},
			},
			{ $project: { operationType: 1, "ns.coll": 1, "to.coll": 1, "documentKey._id": 1 } },
		];
	}

	private async follow(): Promise<void> {
		let failures = 0;
		while (!this.closed) {
			try {
				if (!this.stream) await this.reopen();
				const stream = this.stream as Stream | null;
				while (stream && this.stream === stream) {
					await this.take(stream, await stream.tryNext());
					failures = 0;
				}
			} catch (error) {
				await this.giveUp(error);
				if (!this.closed) await this.pause(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures++, 10)));
			}
		}
	}

	/** After history was lost, the new stream is there before the listener looks for what it missed. */
	private async reopen(): Promise<void> {
		const missed = this.token === null;
		await this.open();
		if (missed) this.listener?.broken(null, "the server no longer had the changes that came last");
	}

	private async giveUp(error: unknown): Promise<void> {
		const { stream } = this;
		this.stream = null;
		this.dropBarriers();
		if (LOST.has(codeOf(error) ?? 0)) this.token = null;
		await stream?.close().catch(() => undefined);
	}

	/** `change` is null when the server had no more. */
	private async take(stream: Stream, change: unknown): Promise<void> {
		this.token = stream.resumeToken;
		if (change !== null) this.hold(change as ReportedChange);
		const heldMs = performance.now() - this.heldSince;
		if (change === null || heldMs > MAX_HELD_MS) this.tell();
		if (this.barriers.length > 0) this.passBarriers(change === null);
		if (change !== null && (change as ReportedChange).operationType === "invalidate") {
			// Nothing follows on it. What comes now is watched anew, and looked for.
			this.stream = null;
			this.token = null;
			await stream.close().catch(() => undefined);
		}
	}

	private hold({ operationType, ns, to, documentKey }: ReportedChange): void {
		if (DATABASE_CHANGES.includes(operationType)) {
			this.tell();
			this.listener?.broken(null, "the database was dropped");
		} else if (COLLECTION_CHANGES.includes(operationType)) {
			this.tell();
			for (const place of [ns?.coll, to?.coll])
				if (place !== undefined && this.places.includes(place)) this.listener?.broken(place, "the collection was dropped or renamed");
		} else if (ns?.coll !== undefined && documentKey !== undefined) {
			if (this.held.size === 0) this.heldSince = performance.now();
			const keys = this.held.get(ns.coll);
			if (keys) keys.add(keyOfId(documentKey._id));
			else this.held.set(ns.coll, new Set([keyOfId(documentKey._id)]));
			if ((keys?.size ?? 0) >= MAX_KEYS) this.tell();
		}
	}

	private tell(): void {
		const told = [...this.held];
		this.held.clear();
		for (const [place, keys] of told) this.listener?.changed(place, [...keys]);
	}

	/** All that happened until the token's time has been read when the server has no more, else until just before it. */
	private passBarriers(drained: boolean): void {
		const reached = timeOfToken(this.token);
		if (reached === null) return;
		const passed = this.barriers.filter(({ time }) => {
			const order = compareTimes(time, reached);
			return order < 0 || (order === 0 && drained);
		});
		if (passed.length === 0) return;
		this.tell();
		for (const barrier of passed) barrier.resolve(true);
	}

	private dropBarriers(): void {
		for (const barrier of this.barriers) barrier.resolve(false);
	}

	/** Until the loop has its stream again. */
	private async opened(): Promise<void> {
		const deadline = performance.now() + MAX_RETRY_MS;
		while (!this.stream && !this.closed) {
			if (performance.now() > deadline) throw this.connection.lateError();
			await this.pause(AWAIT_MS);
		}
	}

	private wakeUp(): void {
		for (const end of [...this.waiting]) end();
	}

	/** Ends early when somebody wants the stream now. */
	private pause(ms: number): Promise<void> {
		return new Promise((resolve) => {
			const end = (): void => {
				clearTimeout(timer);
				this.waiting.delete(end);
				resolve();
			};
			const timer = setTimeout(end, ms);
			this.waiting.add(end);
		});
	}
}

/** Why the server reports no changes; null when it does. */
export async function problemOf(db: mongo.Db): Promise<string | null> {
	try {
		const { setName, msg } = await db.command({ hello: 1 });
		return setName === undefined && msg !== "isdbgrid" ? NO_SET : null;
	} catch (error) {
		if (NO_REPLICA_SET.has(codeOf(error) ?? 0)) return NO_SET;
		throw error;
	}
}

const NO_SET = "the server is not a replica set and reports no changes; start it with --replSet, one node is enough";
