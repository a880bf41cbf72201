/**
 * Jobs that do nothing, from handing in to end: the fair queue with its views kept, beside bare BullMQ, on one server of this
 * machine. Median of 5 rounds.
 *
 * node --import @swc-node/register/esm-register bench/queue.ts [jobs] [slots]
 */
import { Queue, Worker } from "bullmq";
import { BullQueue } from "../src/jobs/bullmq/bull-queue.js";
import { openQueueConnection } from "../src/jobs/bullmq/connection.js";
import { FairQueue } from "../src/jobs/bullmq/fair-queue.js";
import { queueAddress } from "../test/testkit/queue.js";
import { startRedis } from "../test/testkit/redis.js";

const JOBS = Number(process.argv[2] ?? 4000);
const SLOTS = Number(process.argv[3] ?? 50);
const ROUNDS = 5;
const USERS = 20;

const redis = await startRedis();

async function handIn(add: (n: number) => Promise<unknown>): Promise<void> {
	let next = 0;
	const lane = async (): Promise<void> => {
		while (next < JOBS) await add(next++);
	};
	await Promise.all(Array.from({ length: SLOTS }, lane));
}

/** Jobs a second. */
async function bare(): Promise<number> {
	await redis.client.flushdb();
	const connection = openQueueConnection(queueAddress(redis.url), "worker");
	const queue = new Queue("bare", { connection });
	let done = 0;
	let finished = (): void => undefined;
	const all = new Promise<void>((resolve) => {
		finished = resolve;
	});
	const options = { connection, concurrency: SLOTS, removeOnComplete: { count: 1000 } };
	const worker = new Worker("bare", async () => "done", options);
	worker.on("completed", () => {
		if (++done === JOBS) finished();
	});
	await worker.waitUntilReady();
	const began = performance.now();
	await handIn((n) => queue.add("job", { n }, { jobId: `job-${n}` }));
	await all;
	const seconds = (performance.now() - began) / 1000;
	await worker.close();
	await queue.close();
	connection.disconnect();
	return JOBS / seconds;
}

async function fair(): Promise<number> {
	await redis.client.flushdb();
	const connection = openQueueConnection(queueAddress(redis.url), "worker");
	const queue = new FairQueue(connection, { enginePrefix: "bull", viewPrefix: "" });
	await queue.setLimit(SLOTS);
	await queue.register("bench", SLOTS, 600_000);
	let done = 0;
	let finished = (): void => undefined;
	const all = new Promise<void>((resolve) => {
		finished = resolve;
	});
	const bull = new BullQueue(
		{
			fair: queue,
			enginePrefix: "bull",
			slots: SLOTS,
			lockMs: 10_000,
			keepCompleted: { count: 1000, ageSeconds: 3600 },
			perform: async () => {
				if (++done === JOBS) finished();
				return "done";
			},
			log: console,
		},
		connection,
	);
	const began = performance.now();
	await handIn(async (n) => {
		await queue.push({ id: `job${n}`, run: 1, userId: `user${n % USERS}` }, 0);
		bull.kick();
	});
	await all;
	const seconds = (performance.now() - began) / 1000;
	await bull.close();
	connection.disconnect();
	return JOBS / seconds;
}

function median(values: number[]): number {
	return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

const rates: Record<"bare" | "fair", number[]> = { bare: [], fair: [] };
for (let round = 0; round < ROUNDS; round++) {
	rates.bare.push(await bare());
	rates.fair.push(await fair());
}
const [bareRate, fairRate] = [median(rates.bare), median(rates.fair)];
console.log(`jobs/s, ${JOBS} jobs of ${USERS} users, ${SLOTS} slots, median of ${ROUNDS}`);
console.log(`bare BullMQ            ${bareRate.toFixed(0)}`);
console.log(`fair, with views kept  ${fairRate.toFixed(0)}  (${(fairRate / bareRate).toFixed(2)} × bare; wanted 0.60)`);
await redis.stop();
process.exit(0);
