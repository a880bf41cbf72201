import { AuditLiveCursorDocument } from "./generated/graphql.js";
import { positionOf } from "./position.js";
import { type ResumeOptions, resuming } from "./resume.js";
import { type OperationText, type Session, SessionError } from "./session.js";
import { isRefusal, type TokenKeeper } from "./token-keeper.js";

interface Way {
	readonly session: Session;
	readonly tokens: TokenKeeper;
}

interface Subscribing<Result, Variables> {
	readonly document: OperationText<Result, Variables>;
	readonly variables: Readonly<Record<string, unknown>>;
}

/** A subscription that goes on where it broke off, with a new token when the old one is no longer taken. */
export function resumingSubscription<Result, Variables>(
	{ session, tokens }: Way,
	{ document, variables }: Subscribing<Result, Variables>,
	options: Omit<ResumeOptions, "mayResume">,
): AsyncIterableIterator<Result> {
	const position = positionOf(document.toString(), variables);
	let token: string | null = null;
	/** The last token was refused before anything came of it; another one that is refused too will not be the last. */
	let refusals = 0;

	async function open(): Promise<AsyncIterator<Result>> {
		token = await tokens.current();
		if (position.beginAt !== null) {
			// From now on means from this moment, also when the connection breaks before anything has come.
			const { auditLog } = await session.execute(AuditLiveCursorDocument, {});
			if (auditLog) position.beginAt(auditLog.liveCursor);
		}
		return session.subscribe(document, position.variables() as Variables);
	}

	function mayResume(error: SessionError): boolean {
		if (!position.resumable) return false;
		if (!isRefusal(error)) return error.code === "UNREACHABLE";
		refusals = error.code === "TOKEN_EXPIRED" ? 0 : refusals + 1;
		return tokens.refused(token) && refusals < 2;
	}

	return resuming(
		() =>
			opening(open, (result) => {
				refusals = 0;
				return position.passes(result);
			}),
		{ ...options, mayResume },
	);
}

/** A stream that is still being opened, of which only what passes is given on. */
function opening<T>(open: () => Promise<AsyncIterator<T>>, passes: (item: T) => boolean): AsyncIterator<T> {
	let stream: AsyncIterator<T> | null = null;
	let ended = false;
	return {
		async next() {
			stream ??= await open();
			for (;;) {
				if (ended) {
					await stream.return?.();
					return { done: true, value: undefined };
				}
				const item = await stream.next();
				if (item.done || passes(item.value)) return item;
			}
		},
		async return() {
			ended = true;
			await stream?.return?.();
			return { done: true, value: undefined };
		},
	};
}
