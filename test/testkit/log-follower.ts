import type { TestServer } from "./server.js";

interface Added {
	readonly auditLogAdded: { readonly cursor: string; readonly node: { readonly id: string; readonly sequence: number } };
}

/** A client of the audit log: follows it from a cursor, and when its stream breaks, goes on from the last one at the next server. */
export interface LogFollower {
	/** Ids in the order in which they came. */
	readonly seen: readonly string[];
	readonly reconnects: number;
	/** It does not come back any more; its last stream ends with its server. */
	stop(): void;
	readonly ended: Promise<void>;
}

const RECONNECT_MS = 50;

export function followLog(servers: readonly TestServer[], first: number, after: string, token: () => Promise<string>): LogFollower {
	const seen: string[] = [];
	let stopped = false;
	let reconnects = -1;

	async function run(): Promise<void> {
		let cursor = after;
		for (let at = first; !stopped; at++) {
			reconnects++;
			const server = servers[at % servers.length] as TestServer;
			try {
				const stream = server.subscribe<Added>(
					"subscription ($after: String) { auditLogAdded(after: $after) { cursor node { id sequence } } }",
					{ after: cursor },
					await token(),
				);
				for await (const { auditLogAdded } of stream) {
					cursor = auditLogAdded.cursor;
					seen.push(auditLogAdded.node.id);
				}
			} catch {
				// The connection broke; which way does not matter.
				await new Promise((turn) => setTimeout(turn, RECONNECT_MS));
			}
		}
	}

	const running = run();
	return {
		seen,
		get reconnects() {
			return reconnects;
		},
		stop() {
			stopped = true;
		},
		ended: running,
	};
}
