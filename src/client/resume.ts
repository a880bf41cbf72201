import { SessionError } from "./session.js";

export interface ResumeOptions {
	/** How long nobody may answer before it gives up; 30,000 by default. */
	readonly patienceMs?: number;
	/** Ends the stream as if it had ended by itself. */
	readonly signal?: AbortSignal;
	/** Whether to come back after this error; by default after a broken connection and after the end of a token. */
	readonly mayResume?: (error: SessionError) => boolean;
	/** Told of each break that is going to be mended, with the pause before the next try. */
	readonly onBreak?: (error: SessionError, pauseMs: number) => void;
}

/** The connection broke, or the token ended after it had been taken: a new one may be had. */
const RESUMABLE: ReadonlySet<string> = new Set(["UNREACHABLE", "TOKEN_EXPIRED"]);

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Reads a stream and opens it again when the connection breaks. `open` says where to go on; what the server refuses is
 * thrown, as is a break that lasts longer than the patience.
 *
 * @example
 * let after = page.liveCursor;
 * for await (const { auditLogAdded } of resuming(() => session.subscribe(AuditLogAddedDocument, { after }))) {
 *   after = auditLogAdded.cursor;
 * }
 */
export function resuming<T>(open: () => AsyncIterator<T>, options: ResumeOptions = {}): AsyncIterableIterator<T> {
	return new ResumingStream(open, options);
}

/** The same for a reader that is called with each item; resolves at the end. */
export async function resumed<T>(open: () => AsyncIterator<T>, take: (item: T) => void, options: ResumeOptions = {}): Promise<void> {
	for await (const item of resuming(open, options)) take(item);
}

class ResumingStream<T> implements AsyncIterableIterator<T> {
	readonly #open: () => AsyncIterator<T>;
	readonly #options: ResumeOptions;
	readonly #ending = new AbortController();
	readonly #end = (): void => this.#finish();
	#stream: AsyncIterator<T> | null = null;
	/** Each `next` waits for the one before it. */
	#turn: Promise<unknown> = Promise.resolve();
	#brokenSince: number | null = null;
	#pauseMs = FIRST_PAUSE_MS;

	constructor(open: () => AsyncIterator<T>, options: ResumeOptions) {
		this.#open = open;
		this.#options = options;
		if (options.signal?.aborted) this.#finish();
		options.signal?.addEventListener("abort", this.#end, { once: true });
	}

	next(): Promise<IteratorResult<T>> {
		const item = this.#turn.then(() => this.#read());
		this.#turn = item.catch(ignoreEnd);
		return item;
	}

	/** Ends at once, also a `next` that waits. */
	async return(): Promise<IteratorResult<T>> {
		this.#finish();
		return { done: true, value: undefined };
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	async #read(): Promise<IteratorResult<T>> {
		while (!this.#ending.signal.aborted) {
			try {
				this.#stream ??= this.#open();
				const item = await nextOr(this.#stream, this.#ending.signal);
				if (item === null || item.done) break;
				this.#brokenSince = null;
				this.#pauseMs = FIRST_PAUSE_MS;
				return item;
			} catch (error) {
				this.#drop();
				if (this.#ending.signal.aborted) break;
				await this.#waitAfter(error);
			}
		}
		this.#finish();
		return { done: true, value: undefined };
	}

	/** Throws what is no break, or has lasted too long. */
	async #waitAfter(error: unknown): Promise<void> {
		const { patienceMs = 30_000, mayResume = ({ code }) => RESUMABLE.has(code), onBreak } = this.#options;
		this.#brokenSince ??= Date.now();
		if (!(error instanceof SessionError) || !mayResume(error) || Date.now() - this.#brokenSince > patienceMs) {
			this.#finish();
			throw error;
		}
		// Not all at the same moment: a server that comes back would meet everybody at once.
		const pauseMs = this.#pauseMs * (0.5 + Math.random() / 2);
		this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
		onBreak?.(error, pauseMs);
		await pause(pauseMs, this.#ending.signal);
	}

	#drop(): void {
		this.#stream?.return?.().catch(ignoreEnd);
		this.#stream = null;
	}

	#finish(): void {
		this.#ending.abort();
		this.#options.signal?.removeEventListener("abort", this.#end);
		this.#drop();
	}
}

/** A stream that is told to end may still throw; nobody reads it any more. */
function ignoreEnd(): void {}

/** The next item, or null as soon as the signal says so. */
async function nextOr<T>(stream: AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T> | null> {
	const next = stream.next();
	let onAbort = ignoreEnd;
	const aborted = new Promise<null>((resolve) => {
		onAbort = () => resolve(null);
		signal.addEventListener("abort", onAbort, { once: true });
	});
	try {
		const first = await Promise.race([next, aborted]);
		if (first === null) next.catch(ignoreEnd);
		return first;
	} finally {
		signal.removeEventListener("abort", onAbort);
	}
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const timer = setTimeout(done, ms);
		signal.addEventListener("abort", done, { once: true });
		function done(): void {
			clearTimeout(timer);
			signal.removeEventListener("abort", done);
			resolve();
		}
	});
}
