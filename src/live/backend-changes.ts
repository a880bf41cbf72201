import type { BackendHealth, BackendStatus } from "../backends/backend.js";
import { primaryLayer } from "../core/primary-layer.js";
import { NewestByKey } from "./buffers.js";
import { subscription } from "./subscription.js";

const CHECK_EVERY_MS = 2000;
/** Configured roots and servers: far fewer than this. */
const MAX_BACKENDS = 10_000;

/** Tells of every backend whose state is another than when it was last looked at, by anybody. Returns the way to stop. */
export type BackendSource = (listener: (backend: BackendStatus) => void) => () => void;

export interface BackendChanges {
	/** Looks now. Never rejects, and answers within 2 s. */
	look(): Promise<readonly BackendStatus[]>;
	readonly onChange: BackendSource;
}

/** Looks at every backend for as long as somebody listens, once for all of them. */
export function backendChanges(health: () => Promise<readonly BackendHealth[]>, everyMs = CHECK_EVERY_MS): BackendChanges {
	const listeners = new Set<(backend: BackendStatus) => void>();
	let known: ReadonlyMap<string, string> | null = null;
	let timer: NodeJS.Timeout | null = null;
	let looking: Promise<readonly BackendStatus[]> | null = null;

	async function looked(): Promise<readonly BackendStatus[]> {
		const found = await health();
		const primary = primaryLayer(found);
		const statuses = found.map((backend) => ({ ...backend, primary: backend.kind === primary }));
		const before = known;
		known = new Map(statuses.map((status) => [status.id, stateOf(status)]));
		if (before === null) return statuses;
		for (const status of statuses) {
			if (before.get(status.id) !== stateOf(status)) for (const listener of [...listeners]) listener(status);
		}
		return statuses;
	}

	function look(): Promise<readonly BackendStatus[]> {
		looking ??= looked().finally(() => {
			looking = null;
		});
		return looking;
	}

	return {
		look,
		onChange(listener) {
			listeners.add(listener);
			if (timer === null) {
				timer = setInterval(() => void look(), everyMs).unref();
				void look();
			}
			return () => {
				listeners.delete(listener);
				if (listeners.size > 0 || timer === null) return;
				clearInterval(timer);
				timer = null;
			};
		},
	};
}

/** What makes a change: not how fast it answered. */
function stateOf({ available, primary, version, location, error }: BackendStatus): string {
	return JSON.stringify([available, primary, version, location, error]);
}

/** The newest state of each backend that has changed; never done. */
export function backendStream(source: BackendSource): AsyncIterableIterator<BackendStatus> {
	const buffer = new NewestByKey<BackendStatus>();
	return subscription(buffer, (sink) =>
		source((status) => {
			buffer.put(status.id, status, MAX_BACKENDS);
			sink.wake();
		}),
	);
}
