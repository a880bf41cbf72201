/**
 * A process that works on the queue, to be killed or stopped. Says what happens, one JSON line each: `{"ready"}`, `{"began": id}`,
 * `{"removed": count}` while it deletes. Ends by SIGTERM, gracefully.
 *
 * Argument: JSON with `redisUrl`, `mongodbUri`, `dataDir`, `concurrency`, `concurrencyPerUser`, `lockMs`.
 */
import mongoose from "mongoose";
import type { JobHandler } from "../../src/jobs/port.js";
import { folderCleanup } from "./folder-cleanup.js";
import { openQueue } from "./queue.js";
import { say } from "./say.js";

const { mongodbUri, ...options } = JSON.parse(process.argv[2] ?? "") as {
	readonly redisUrl: string;
	readonly mongodbUri: string;
	readonly dataDir: string;
	readonly concurrency: number;
	readonly concurrencyPerUser: number;
	readonly lockMs: number;
};

const cleanup = folderCleanup((removed) => say({ removed }));
const saying: JobHandler<unknown> = {
	...cleanup,
	run: (context) => {
		say({ began: context.job.id });
		return cleanup.run(context as never);
	},
};
const client = new mongoose.mongo.MongoClient(mongodbUri);
const queue = await openQueue({ ...options, db: client.db(), sharedAuditUri: mongodbUri, handlers: [saying] });
say({ ready: true });
process.on("SIGTERM", async () => {
	await queue.close();
	await client.close();
	process.exit(0);
});
