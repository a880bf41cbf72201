/** One client of a process on one MongoDB, through mongoose's own driver, so that there is one driver in the program. */
import mongoose, { type mongo } from "mongoose";

/** Where an address names no database. */
const DEFAULT_DATABASE = "tradingagents";
const SERVER_SELECTION_MS = 3_000;
const CONNECT_MS = 3_000;
const HEARTBEAT_MS = 2_000;
/** A connection that is silent for so long is gone; change streams say something every second. */
const SILENT_SOCKET_MS = 60_000;

export interface MongoConnection {
	readonly db: mongo.Db;
	/** Idempotent. */
	close(): Promise<void>;
}

/**
 * Connects with the first operation. Writes wait for the majority and reads see only what it has, so nothing that was read
 * or acknowledged is rolled back by an election.
 */
export function connectMongo(uri: string, database: string | null = null): MongoConnection {
	const client = new mongoose.mongo.MongoClient(uri, {
		appName: "cachewarden",
		serverSelectionTimeoutMS: SERVER_SELECTION_MS,
		connectTimeoutMS: CONNECT_MS,
		heartbeatFrequencyMS: HEARTBEAT_MS,
		socketTimeoutMS: SILENT_SOCKET_MS,
		readPreference: "primary",
		readConcern: { level: "majority" },
		// Which includes the journals of that majority.
		writeConcern: { w: "majority" },
		ignoreUndefined: true,
	});
	return { db: client.db(database ?? databaseIn(uri)), close: () => client.close(true) };
}

function databaseIn(uri: string): string {
	const [, name] = /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]+)/.exec(uri) ?? [];
	return name === undefined ? DEFAULT_DATABASE : decodeURIComponent(name);
}
