/**
 * Tries until it no longer throws, and gives what it gave. After `withinMs` the last failure is thrown, so that a test
 * says what was wrong and not that time was up.
 */
export async function eventually<T>(
	attempt: () => T | Promise<T>,
	{ withinMs, everyMs = 20 }: { readonly withinMs: number; readonly everyMs?: number },
): Promise<T> {
	const deadline = performance.now() + withinMs;
	for (;;) {
		try {
			return await attempt();
		} catch (error) {
			if (performance.now() > deadline) throw error;
			await new Promise((turn) => setTimeout(turn, everyMs));
		}
	}
}
