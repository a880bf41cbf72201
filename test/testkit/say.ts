import { writeSync } from "node:fs";

/** One JSON line on standard output, handed to the parent before this returns, so that a kill right after does not lose it. */
export function say(event: object): void {
	let rest = Buffer.from(`${JSON.stringify(event)}\n`);
	while (rest.length > 0) {
		try {
			rest = rest.subarray(writeSync(1, rest));
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
			// The parent is behind.
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
		}
	}
}
