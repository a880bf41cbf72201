/**
 * The connection to the database: made when first needed, kept up by the driver, which comes back by itself. The driver is
 * Mongoose's own, so that there is one in the program; models and schemas would only hide what other programs wrote.
 */
import mongoose, { type mongo } from "mongoose";
import { mongodbLocation } from "../../config/mongodb.js";
import { CachewardenError } from "../../core/errors.js";
import { mongodbError } from "./failures.js";

/** How long an operation looks for a server that can serve it: an election takes longer, and is waited for where it matters. */
const SELECTION_MS = 2_500;
/** Of one connection, and of each sign of life on it: a server that is frozen is known to be so after both. */
const CONNECT_MS = 2_000;
const HEARTBEAT_MS = 2_000;
/** The last resort for an answer that never comes; operations have shorter limits of their own. */
const SOCKET_MS = 20_000;

export interface ConnectionOptions {
	readonly uri: string;
	readonly database: string;
	/** Connections to one server at the same time. */
	readonly poolSize: number;
}

export class MongodbConnection {
	/** Host and database; never a password. */
	readonly location: string;
	private opened: mongo.MongoClient | null = null;
	private closed = false;
	/** Why the last sign of life failed; null while there is one. */
	private heartbeat: Error | null = null;

	constructor(private readonly options: ConnectionOptions) {
		this.location = mongodbLocation(options);
	}

	/** Nothing is sent before the first operation. */
	get client(): mongo.MongoClient {
		if (this.closed) throw new CachewardenError("CANCELLED");
		this.opened ??= this.open();
		return this.opened;
	}

	get db(): mongo.Db {
		return this.client.db(this.options.database);
	}

	/** Runs what asks the server; whatever it throws is an error of ours, with culprit and remedy. */
	async run<T>(work: (db: mongo.Db) => Promise<T>): Promise<T> {
		try {
			return await work(this.db);
		} catch (error) {
			throw this.errorOf(error);
		}
	}

	/**
	 * The same, and BACKEND_TIMEOUT after so long, or why the server could not be reached by then. What was asked goes on
	 * and is forgotten.
	 */
	async runWithin<T>(limitMs: number, work: (db: mongo.Db) => Promise<T>): Promise<T> {
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			timer = setTimeout(() => reject(this.heartbeat ? this.errorOf(this.heartbeat) : this.lateError()), limitMs);
		});
		try {
			return await Promise.race([this.run(work), late]);
		} finally {
			clearTimeout(timer);
		}
	}

	errorOf(error: unknown): CachewardenError {
		return error instanceof CachewardenError ? error : mongodbError(error, this.location);
	}

	async close(): Promise<void> {
		this.closed = true;
		const { opened } = this;
		this.opened = null;
		await opened?.close();
	}

	lateError(): CachewardenError {
		return new CachewardenError("BACKEND_TIMEOUT", { key: "mongodb.late", facts: { location: this.location } });
	}

	private open(): mongo.MongoClient {
		const client = new mongoose.mongo.MongoClient(this.options.uri, {
			appName: "cachewarden",
			maxPoolSize: this.options.poolSize,
			serverSelectionTimeoutMS: SELECTION_MS,
			connectTimeoutMS: CONNECT_MS,
			heartbeatFrequencyMS: HEARTBEAT_MS,
			socketTimeoutMS: SOCKET_MS,
			waitQueueTimeoutMS: SOCKET_MS,
			// Programs of the field write what they like; one broken text must not hide the rest.
			enableUtf8Validation: false,
		});
		client.on("serverHeartbeatFailed", ({ failure }) => {
			this.heartbeat = failure;
		});
		client.on("serverHeartbeatSucceeded", () => {
			this.heartbeat = null;
		});
		return client;
	}
}
