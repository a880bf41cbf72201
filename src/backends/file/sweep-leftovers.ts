/** A writer that lives needs seconds for a file; what is older was left by one that was killed. */
const LEFT_MS = 60_000;

/** Removes what killed writers left, now and once more when what is young now has become old. Gives the way to stop. */
export function sweepLeftovers(
	sweep: (olderThanMs: number) => Promise<number>,
	told: (files: number) => void,
	failed: (error: unknown) => void,
): () => Promise<void> {
	let work = Promise.resolve();
	const run = (): void => {
		work = work
			.then(() => sweep(LEFT_MS))
			.then((files) => {
				if (files > 0) told(files);
			})
			.catch(failed);
	};
	run();
	const timer = setTimeout(run, LEFT_MS + 1_000).unref();
	return async () => {
		clearTimeout(timer);
		await work;
	};
}
