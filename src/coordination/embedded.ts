import type { Coordination, Lease } from "./port.js";

interface Waiter {
	readonly resolve: (lease: Lease) => void;
}

/** Facts are forgotten when they end, or when there are more than so many. */
const MAX_FACTS = 10_000;

/** Agreements within this process: the store's lock lets no other process work with the same data folder. */
export function openEmbeddedCoordination(): Coordination {
	const queues = new Map<string, Waiter[]>();
	const facts = new Map<string, { readonly text: string; readonly until: number }>();

	function leaseOf(name: string): Lease {
		let held = true;
		return {
			signal: new AbortController().signal,
			async release() {
				if (!held) return;
				held = false;
				const next = queues.get(name)?.shift();
				if (next === undefined) queues.delete(name);
				else next.resolve(leaseOf(name));
			},
		};
	}

	return {
		lock(name, signal) {
			return new Promise((resolve, reject) => {
				if (signal.aborted) return reject(signal.reason);
				const queue = queues.get(name);
				if (queue === undefined) {
					queues.set(name, []);
					return resolve(leaseOf(name));
				}
				const waiter: Waiter = {
					resolve(lease) {
						signal.removeEventListener("abort", giveUp);
						resolve(lease);
					},
				};
				function giveUp(): void {
					queue?.splice(queue.indexOf(waiter), 1);
					reject(signal.reason);
				}
				signal.addEventListener("abort", giveUp, { once: true });
				queue.push(waiter);
			});
		},

		async tell(name, text, forMs) {
			facts.delete(name);
			facts.set(name, { text, until: Date.now() + forMs });
			for (const [old, { until }] of facts) if (until < Date.now() || facts.size > MAX_FACTS) facts.delete(old);
		},

		async told(name) {
			const fact = facts.get(name);
			return fact !== undefined && fact.until >= Date.now() ? fact.text : null;
		},

		async close() {
			facts.clear();
		},
	};
}
