/**
 * One change stream of a process for everybody in it. It is read by hand, so that no error of it is swallowed: a break
 * goes on from the last token, lost history begins anew at now, and whoever follows is told to read what may be missing.
 * Without a replica set there are no change streams: then followers are told to look, several times a second.
 */
import mongoose, { type mongo } from "mongoose";
import type { Logger } from "pino";
import { within } from "./failures.js";

/** One collection's follower. Neither function may throw, and `changed` must not block. */
export interface Follower {
	readonly collection: string;
	/** What of the collection's inserts and replacements is wanted, on change events: `fullDocument.…`. */
	readonly match?: mongo.Document;
	/** An expression for what is handed over of a document; the whole of it, `$fullDocument`, without. It may not fail on any document. */
	readonly brought?: mongo.Document;
	/** In the order in which the majority has them; some may come again after a break. */
	changed(document: mongo.Document, token: unknown): void;
	/** Something may have been missed: read what is there. Also called once at the beginning. */
	catchUp(): Promise<void>;
}

export interface FeedState {
	readonly kind: "starting" | "stream" | "polling";
	/** Between a change and its arrival here; null before the first. */
	readonly lagMs: number | null;
	readonly restarts: number;
}

export interface ChangeFeed {
	/** Before `start`. */
	follow(follower: Follower): void;
	/** `resumeFrom` is asked once, for the token to begin after; null begins at now. Resolves at once. */
	start(resumeFrom: () => Promise<unknown>): void;
	state(): FeedState;
	/** Resolves when the stream is open, or polling has begun, and everybody has caught up. */
	opened(): Promise<void>;
	close(): Promise<void>;
}

export interface FeedOptions {
	readonly db: mongo.Db;
	readonly log: Pick<Logger, "info" | "warn">;
	/** Default 250. */
	readonly pollMs?: number;
}

/** An idle stream answers at least this often, so a silent one is a broken one. */
const AWAIT_MS = 1_000;
const BACKOFF_MS = [100, 250, 500, 1_000, 2_000] as const;
const HELLO_MS = 4_000;
const DEFAULT_POLL_MS = 250;
/** History lost, resume token of another set, an event too large to be sent, a stream that cannot go on. */
const TOKEN_IS_USELESS: ReadonlySet<unknown> = new Set([286, 260, 280, 136, 10_334]);

export function openChangeFeed(options: FeedOptions): ChangeFeed {
	return new Feed(options);
}

class Feed implements ChangeFeed {
	private readonly followers = new Map<string, Follower>();
	private readonly closing = new AbortController();
	private readonly first: Promise<void>;
	private begun: () => void = () => undefined;
	private running: Promise<void> = Promise.resolve();
	private stream: mongo.ChangeStream | null = null;
	private token: unknown = null;
	private kind: FeedState["kind"] = "starting";
	private lagMs: number | null = null;
	private restarts = 0;

	constructor(private readonly options: FeedOptions) {
		this.first = new Promise((resolve) => {
			this.begun = resolve;
		});
	}

	follow(follower: Follower): void {
		this.followers.set(follower.collection, follower);
	}

	start(resumeFrom: () => Promise<unknown>): void {
		this.running = this.run(resumeFrom);
	}

	state(): FeedState {
		return { kind: this.kind, lagMs: this.lagMs, restarts: this.restarts };
	}

	opened(): Promise<void> {
		return this.first;
	}

	async close(): Promise<void> {
		this.closing.abort();
		await this.stream?.close().catch(() => undefined);
		await this.running;
	}

	private get closed(): boolean {
		return this.closing.signal.aborted;
	}

	private async run(resumeFrom: () => Promise<unknown>): Promise<void> {
		const { log } = this.options;
		let failures = 0;
		let asked = false;
		while (!this.closed) {
			try {
				if (!(await this.isReplicaSet())) {
					log.warn(
						"MongoDB runs without a replica set, so there are no change streams: live updates come by polling. Start mongod with --replSet and rs.initiate() to have them at once",
					);
					await this.poll();
					return;
				}
				if (!asked) this.token = await resumeFrom();
				asked = true;
				await this.read(() => {
					failures = 0;
				});
			} catch (error) {
				if (this.closed) return;
				this.restarts++;
				this.forgetUselessToken(error, failures);
				log.warn({ err: error, restarts: this.restarts }, "the change stream broke; it is opened again");
				await this.pause(BACKOFF_MS[Math.min(failures++, BACKOFF_MS.length - 1)] as number);
			}
		}
	}

	private async isReplicaSet(): Promise<boolean> {
		const hello = await within(HELLO_MS, this.options.db.command({ hello: 1 }));
		return hello.setName !== undefined || hello.msg === "isdbgrid";
	}

	private async read(working: () => void): Promise<void> {
		const stream = this.options.db.watch(this.pipeline(), {
			...(this.token === null ? {} : { startAfter: this.token as mongo.ResumeToken }),
			maxAwaitTimeMS: AWAIT_MS,
			batchSize: 1_000,
		});
		this.stream = stream;
		try {
			let open = false;
			const opened = (): void => {
				if (open) return;
				open = true;
				working();
				this.kind = "stream";
				void this.catchUpAll();
			};
			// Said by the first answer already when nothing has changed.
			stream.on("resumeTokenChanged", opened);
			while (!this.closed) {
				const change = (await stream.tryNext()) as mongo.ChangeStreamDocument | null;
				opened();
				if (change === null) {
					this.lagMs = 0;
					this.token = stream.resumeToken;
					continue;
				}
				this.token = change._id;
				if (change.operationType === "invalidate") return;
				this.hand(change);
			}
		} finally {
			this.stream = null;
			await stream.close().catch(() => undefined);
		}
	}

	private hand(change: mongo.ChangeStreamDocument): void {
		const { wallTime } = change as { readonly wallTime?: Date };
		if (wallTime !== undefined) this.lagMs = Math.max(0, Date.now() - wallTime.getTime());
		if (change.operationType !== "insert" && change.operationType !== "replace") return;
		this.followers.get(change.ns.coll)?.changed(change.fullDocument, change._id);
	}

	/** Inserts and replacements carry their document, so nothing is looked up. */
	private pipeline(): mongo.Document[] {
		const wanted = [...this.followers.values()].map(({ collection, match }) => ({
			// The whole of it: the server compares names then, where a part makes it look for patterns in each change.
			ns: { db: this.options.db.databaseName, coll: collection },
			operationType: { $in: ["insert", "replace"] },
			...match,
		}));
		const fullDocument = [...this.followers.values()].reduce<mongo.Document | string>(
			(others, { collection, brought }) =>
				brought === undefined ? others : { $cond: [{ $eq: ["$ns.coll", collection] }, brought, others] },
			"$fullDocument",
		);
		return [
			{ $match: { $or: [...wanted, { operationType: "invalidate" }] } },
			{ $project: { operationType: 1, "ns.coll": 1, wallTime: 1, fullDocument } },
		];
	}

	private forgetUselessToken(error: unknown, failures: number): void {
		const refused = error instanceof mongoose.mongo.MongoServerError;
		if (!refused || this.token === null) return;
		// A server that goes on refusing for another reason is not won over by the same token either.
		if (TOKEN_IS_USELESS.has(error.code) || failures >= 5) this.token = null;
	}

	private async catchUpAll(): Promise<void> {
		await Promise.all([...this.followers.values()].map((follower) => follower.catchUp()));
		this.begun();
	}

	private async poll(): Promise<void> {
		this.kind = "polling";
		while (!this.closed) {
			await this.catchUpAll();
			await this.pause(this.options.pollMs ?? DEFAULT_POLL_MS);
		}
	}

	private pause(ms: number): Promise<void> {
		const { signal } = this.closing;
		return new Promise((resolve) => {
			function done(): void {
				clearTimeout(timer);
				signal.removeEventListener("abort", done);
				resolve();
			}
			const timer = setTimeout(done, ms);
			signal.addEventListener("abort", done, { once: true });
			if (signal.aborted) done();
		});
	}
}
