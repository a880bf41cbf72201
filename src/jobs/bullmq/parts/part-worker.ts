import type { Logger } from "pino";
import { sortableId } from "../../../store/sortable-id.js";
import { checkQueueServer, connectQueue, openQueueConnection, type QueueAddress } from "../connection.js";
import { FairQueue, type QueueNames } from "../fair-queue.js";
import { PartRunner, type PartRunnerOptions } from "./part-runner.js";

export interface PartWorkerOptions extends QueueNames, Pick<PartRunnerOptions, "places" | "slots" | "lockMs"> {
	readonly address: QueueAddress;
	/** Well over what any part takes. */
	readonly stuckMs: number;
	readonly log: Pick<Logger, "info" | "warn" | "error">;
}

export interface PartWorker {
	/** Resolves when parts wait and none is begun or ended here any more, although the server answers: then only a new process helps. */
	readonly stuck: Promise<void>;
	close(): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;
const ALIVE_FOR_MS = 5_000;

/** Works on parts of jobs until it is closed. Refuses a server that would lose them; one that is away is waited for. */
export async function openPartWorker(options: PartWorkerOptions): Promise<PartWorker> {
	const { address, log, slots } = options;
	const client = openQueueConnection(address, "worker");
	try {
		const first = await connectQueue(client);
		if (first.connected) await checkQueueServer(client, address);
		else {
			log.warn({ err: first.error }, "the queue's server cannot be reached; it is waited for");
			await new Promise<void>((ready) => client.once("ready", () => ready()));
		}
		const fair = new FairQueue(client, options);
		const instance = sortableId("p", Date.now());
		const runner = new PartRunner({ ...options, fair, client });
		let tell = (): void => undefined;
		const stuck = new Promise<void>((resolve) => {
			tell = resolve;
		});
		let looking = false;
		const timer = setInterval(() => {
			// While the server does not answer nobody can begin or end anything.
			if (client.status !== "ready" || looking) return runner.attended();
			looking = true;
			runner
				.unattendedMs()
				.then((ms) => (ms > options.stuckMs ? tell() : fair.registerParts(instance, slots, ALIVE_FOR_MS)))
				.catch(() => undefined)
				.finally(() => {
					looking = false;
				});
		}, LOOK_EVERY_MS);
		await fair.registerParts(instance, slots, ALIVE_FOR_MS);
		return {
			stuck,
			async close() {
				clearInterval(timer);
				await runner.close();
				if (client.status === "ready") await fair.registerParts(instance, slots, 0);
				client.disconnect();
			},
		};
	} catch (error) {
		client.disconnect();
		throw error;
	}
}
