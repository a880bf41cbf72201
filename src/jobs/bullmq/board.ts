import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { FastifyAdapter } from "@bull-board/fastify";
import { Queue } from "bullmq";
import type { FastifyPluginCallback } from "fastify";
import type { PlaceGroup } from "../../core/place-groups.js";
import { connectQueue, openQueueConnection, type QueueAddress } from "./connection.js";
import { QUEUE_NAME } from "./fair-queue.js";
import { partQueueOf } from "./parts/part.js";

export interface BoardOptions {
	readonly address: QueueAddress;
	readonly enginePrefix: string;
	readonly groups: readonly PlaceGroup[];
	/** Where its pages will be. */
	readonly basePath: string;
}

export interface Board {
	readonly plugin: FastifyPluginCallback;
	close(): Promise<void>;
}

/** The engine's own page, to look at: what changes jobs goes through operations, which ask for rights and keep the audit log. */
export function openBoard({ address, enginePrefix: prefix, groups, basePath }: BoardOptions): Board {
	const connection = openQueueConnection(address, "producer");
	void connectQueue(connection);
	const names = [
		{ name: QUEUE_NAME, displayName: "jobs" },
		...groups.map((group) => ({ name: partQueueOf(group), displayName: `parts: ${group.backend} ${group.places.join(", ")}` })),
	];
	const queues = names.map(({ name }) => new Queue(name, { connection, prefix, skipMetasUpdate: true }));
	for (const queue of queues) queue.on("error", () => undefined);
	const adapter = new FastifyAdapter();
	adapter.setBasePath(basePath);
	createBullBoard({
		queues: queues.map((queue, i) => new BullMQAdapter(queue, { readOnlyMode: true, displayName: names[i]?.displayName ?? queue.name })),
		serverAdapter: adapter,
		options: { uiConfig: { boardTitle: "cachewarden", hideRedisDetails: true } as never },
	});
	return {
		plugin: adapter.registerPlugin(),
		async close() {
			for (const queue of queues) await queue.close();
			connection.disconnect();
		},
	};
}
