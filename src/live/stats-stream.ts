import { NewestByKey } from "./buffers.js";
import { subscription } from "./subscription.js";

/** A tick when totals changed, at most once per interval; a change within the interval is told at its end. */
export function statsStream(onStatsChanged: (listener: () => void) => () => void, minIntervalMs: number): AsyncIterableIterator<void> {
	const buffer = new NewestByKey<void>();
	return subscription(buffer, (sink) => {
		let timer: NodeJS.Timeout | null = null;
		let changed = false;

		function tick(): void {
			changed = false;
			buffer.put("stats", undefined, 1);
			timer = setTimeout(() => {
				timer = null;
				if (changed) tick();
			}, minIntervalMs);
			sink.wake();
		}

		const stop = onStatsChanged(() => {
			if (timer === null) tick();
			else changed = true;
		});
		return () => {
			if (timer !== null) clearTimeout(timer);
			stop();
		};
	});
}
