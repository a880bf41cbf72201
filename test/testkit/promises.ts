/** A promise that is settled from outside. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
	let open = (): void => undefined;
	const opened = new Promise<void>((resolve) => {
		open = resolve;
	});
	return { opened, open };
}

export function aborted(signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) resolve();
		signal.addEventListener("abort", () => resolve());
	});
}

/** The code of the error that it is refused with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
	return promise.then(
		() => "nothing was thrown",
		(error: { code?: string }) => error.code ?? String(error),
	);
}
