/** A thread that answers questions from the index. Two of them run, so that a heavy count does not delay a page. */
import { parentPort, workerData } from "node:worker_threads";
import { type Connection, openForReading } from "./index/database.js";
import type { QueryWorkerApi } from "./query/protocol.js";
import { Queries } from "./query/queries.js";
import { answerThrough } from "./rpc.js";

const port = parentPort;
if (!port) throw new Error("query-worker runs as a worker thread");

const CACHE_KIB = 4096;
const { path } = workerData as { readonly path: string };
let db: Connection | null = null;
let queries: Queries | null = null;

/** A file that could not be opened is tried again with the next question: what kept it may have passed. */
function asked(): Queries {
	if (!queries) {
		db = openForReading(path, CACHE_KIB);
		queries = new Queries(db);
	}
	return queries;
}

const functions: QueryWorkerApi = {
	open: () => {
		queries = null;
		db?.close();
		db = null;
		asked();
	},
	page: (...args) => asked().page(...args),
	slice: (...args) => asked().slice(...args),
	tallies: (...args) => asked().tallies(...args),
	summarize: (...args) => asked().summarize(...args),
	entries: (...args) => asked().entries(...args),
	refs: (...args) => asked().refs(...args),
	select: (...args) => asked().select(...args),
	close() {
		db?.close();
		process.exit();
	},
};
answerThrough(port, { ...functions });
