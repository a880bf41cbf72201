/** A thread that reads files and nothing else; it writes no row and keeps nothing between two orders. */
import { parentPort } from "node:worker_threads";
import { transferablesOf } from "./index/row-batch.js";
import { MAX_WAITING_BATCHES, SHARED, type WalkerMessage, type WalkOrder } from "./scan/protocol.js";
import { Cancelled, Walk } from "./scan/walk.js";

const port = parentPort;
if (!port) throw new Error("walker-worker runs as a worker thread");

port.on("message", (order: WalkOrder) => {
	const shared = new Int32Array(order.shared);
	const send = (message: WalkerMessage): void => {
		if (message.kind === "done") {
			port.postMessage(
				message,
				[...message.seen, ...message.foreign].map((hashes) => hashes.buffer as ArrayBuffer),
			);
			return;
		}
		port.postMessage(message, transferablesOf(message.batch));
		let waiting = Atomics.add(shared, SHARED.waitingBatches, 1) + 1;
		while (waiting > MAX_WAITING_BATCHES && Atomics.load(shared, SHARED.cancelled) === 0) {
			Atomics.wait(shared, SHARED.waitingBatches, waiting, 1000);
			waiting = Atomics.load(shared, SHARED.waitingBatches);
		}
	};
	try {
		new Walk(order, send).run();
	} catch (error) {
		if (!(error instanceof Cancelled)) throw error;
	}
});
