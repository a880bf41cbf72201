/** A process that removes entries of jobs that servers share out, and does nothing else: no store, no catalog, no way in. */
import { stat } from "node:fs/promises";
import type { Logger } from "pino";
import type { StartedWorker } from "../cli/host.js";
import type { Config } from "../config/config.js";
import { systemClock } from "../core/clock.js";
import { CachewardenError } from "../core/errors.js";
import type { PlaceGroup } from "../core/place-groups.js";
import { Opened } from "../opened.js";
import { openBackends, placeGroups } from "./layers.js";
import { withBackends } from "./shared-state.js";

export async function openWorker(config: Config, log: Logger): Promise<StartedWorker> {
	const { queue, jobs, audit } = config;
	if (queue.address === null) throw new CachewardenError("QUEUE_UNAVAILABLE", { key: "queue.workerNeedsRedis", facts: {} });
	if (audit.mongodb === null) throw new CachewardenError("QUEUE_UNAVAILABLE", { key: "queue.workerNeedsMongodb", facts: {} });
	const opened = new Opened();
	try {
		const backends = await openBackends(config, systemClock, opened);
		const groups: PlaceGroup[] = [];
		for (const group of await placeGroups(config)) {
			if (await isThere(config, group)) groups.push(group);
			else log.warn({ places: group.places }, "a root is not there, so nothing of it is removed here");
		}
		const { openPartWorker } = await import("../jobs/bullmq/parts/part-worker.js");
		const worker = await openPartWorker({
			address: queue.address,
			enginePrefix: queue.enginePrefix,
			viewPrefix: queue.prefix,
			places: withBackends(groups, backends),
			slots: jobs.concurrency,
			lockMs: queue.lockSeconds * 1000,
			stuckMs: queue.stuckSeconds * 1000,
			log,
		});
		opened.add(() => worker.close());
		return {
			places: groups.flatMap(({ backend, places }) => places.map((place) => `${backend} ${place}`)),
			stuck: worker.stuck,
			close: () => opened.close(),
		};
	} catch (error) {
		await opened.close();
		throw error;
	}
}

/** Servers may come later; a folder that is missing is a volume that is not mounted. */
async function isThere({ cache, python }: Config, { backend, places }: PlaceGroup): Promise<boolean> {
	if (backend !== "FILE" && backend !== "PYTHON") return true;
	const root = (backend === "FILE" ? cache : python).roots.find(({ name }) => name === places[0]);
	return (
		root !== undefined &&
		(await stat(root.path).then(
			(found) => found.isDirectory(),
			() => false,
		))
	);
}
