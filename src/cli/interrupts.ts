/** Package runners pass a signal on that the terminal has sent already; what comes this soon after it is the same one. */
const SAME_SIGNAL_MS = 500;

export interface Interrupts {
	/** Runs at the first Ctrl-C or SIGTERM, instead of dying; a second one ends the process at once. Returns the way to stop. */
	onInterrupt(handler: () => void): () => void;
}

export interface InterruptSource {
	on(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown;
	off(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown;
	exit(code: number): void;
}

export function watchInterrupts(source: InterruptSource, now: () => number = Date.now): Interrupts {
	return {
		onInterrupt(handler) {
			let firstAt: number | null = null;
			function listener(): void {
				if (firstAt === null) {
					firstAt = now();
					handler();
				} else if (now() - firstAt > SAME_SIGNAL_MS) {
					source.exit(130);
				}
			}
			source.on("SIGINT", listener);
			source.on("SIGTERM", listener);
			return () => {
				source.off("SIGINT", listener);
				source.off("SIGTERM", listener);
			};
		},
	};
}
