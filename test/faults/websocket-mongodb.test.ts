import { afterAll, beforeAll } from "@jest/globals";
import { openLive } from "../../src/live/live.js";
import { intentOf, outcomeOf } from "../testkit/calls.js";
import { inMemoryOperations } from "../testkit/in-memory-operations.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { openTestAudit } from "../testkit/mongodb-audit.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { webSocketFaults } from "./websocket.js";

let mongodb: TestMongodb;
beforeAll(async () => {
	mongodb = await startMongodb();
});
afterAll(() => mongodb.stop());

webSocketFaults("over the change stream of MongoDB", async () => {
	const { audit, close } = await openTestAudit({ uri: mongodb.newDatabase().uri, dataDir: temporaryFolder() });
	let listening = 0;
	const live = openLive({
		jobs: { get: async () => null, onChange: () => () => undefined },
		audit: {
			readAfter: (cursor, limit) => audit.readAfter(cursor, limit),
			onAppended(listener) {
				const stop = audit.onAppended(listener);
				listening++;
				return () => {
					listening--;
					stop();
				};
			},
		},
		backends: () => () => undefined,
		onStatsChanged: () => () => undefined,
	});
	const base = inMemoryOperations();
	return {
		operations: {
			...base,
			async auditLogAdded(call, after, filter) {
				// Counts the call, and asks whether it is allowed.
				await base.auditLogAdded(call, after, filter).then((stream) => stream.return?.());
				return live.audit(after, () => true);
			},
		},
		async append() {
			await audit.end(await audit.begin(intentOf("alice")), outcomeOf());
		},
		listeners: () => listening,
		close,
	};
});
