import { openLive } from "../../src/live/live.js";
import { openEmbedded } from "../testkit/embedded.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { liveContract, liveHandlers } from "./live.js";

liveContract("over the embedded adapters", async () => {
	const embedded = await openEmbedded({ dataDir: temporaryFolder(), handlers: liveHandlers });
	const { jobs, audit } = embedded;
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
			backends: () => () => undefined,
			onStatsChanged: counted((listener: () => void) => {
				statsListeners.add(listener);
				return () => {
					statsListeners.delete(listener);
				};
			}),
			maxWaiting: 100,
		}),
		changeStats: () => {
			for (const listener of statsListeners) listener();
		},
		listeners: () => listening,
		close: () => embedded.close(),
	};
});
