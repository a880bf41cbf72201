import { afterAll, beforeAll } from "@jest/globals";
import { openLive } from "../../src/live/live.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { openLiveNode } from "../testkit/mongodb-live.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { liveContract, liveHandlers } from "./live.js";

let mongodb: TestMongodb;
beforeAll(async () => {
	mongodb = await startMongodb();
});
afterAll(() => mongodb.stop());

liveContract("over MongoDB", async () => {
	const node = await openLiveNode({ uri: mongodb.newDatabase().uri, dataDir: temporaryFolder(), handlers: liveHandlers });
	const { jobs, audit } = node;
	let listening = 0;
	const statsListeners = new Set<() => void>();

	/** The same source, counting who listens. */
	function counted<L>(listen: (listener: L) => () => void): (listener: L) => () => void {
		return (listener) => {
			const stop = listen(listener);
			listening++;
			return () => {
				listening--;
				stop();
			};
		};
	}

	return {
		jobs,
		audit,
		live: openLive({
			jobs: { get: (id) => jobs.get(id), onChange: counted((listener: Parameters<typeof jobs.onChange>[0]) => jobs.onChange(listener)) },
			audit: {
				readAfter: (cursor, limit) => audit.readAfter(cursor, limit),
				onAppended: counted((listener: Parameters<typeof audit.onAppended>[0]) => audit.onAppended(listener)),
			},
			onStatsChanged: counted((listener: () => void) => {
				statsListeners.add(listener);
				return () => {
					statsListeners.delete(listener);
				};
			}),
			backends: () => () => undefined,
			maxWaiting: 100,
		}),
		changeStats: () => {
			for (const listener of statsListeners) listener();
		},
		listeners: () => listening,
		close: () => node.close(),
	};
});
