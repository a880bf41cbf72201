import {
	CancelJobDocument,
	JobDocument,
	JobProgressDocument,
	type JobQuery,
	type ProgressFieldsFragment,
} from "../client/generated/graphql.js";
import { resumed } from "../client/resume.js";
import type { Session } from "../client/session.js";
import { CachewardenError } from "../core/errors.js";
import { hasEnded } from "../core/job.js";
import type { CliContext } from "./context.js";
import { EXIT, type ExitCode } from "./exit.js";

export type JobReport = NonNullable<JobQuery["job"]>;

export async function readJob(session: Session, id: string): Promise<JobReport> {
	const { job } = await session.execute(JobDocument, { id });
	if (!job) throw new CachewardenError("NOT_FOUND", { key: "cli.job.unknown", facts: { id } });
	return job;
}

/** Every state as it comes, until the job has ended or the signal says that nobody watches any more. */
export async function followJob(
	session: Session,
	id: string,
	onState: (state: ProgressFieldsFragment) => void,
	signal?: AbortSignal,
): Promise<JobReport> {
	let sequence = -1;
	for (;;) {
		await resumed(
			() => session.subscribe(JobProgressDocument, { jobId: id }),
			({ jobProgress }) => {
				// After a break the stream begins with the state that was seen last.
				if (jobProgress.sequence <= sequence) return;
				sequence = jobProgress.sequence;
				onState(jobProgress);
			},
			signal === undefined ? {} : { signal },
		);
		const job = await readJob(session, id);
		if (hasEnded(job.status) || signal?.aborted) return job;
	}
}

export interface Supervised {
	/** Starts it and gives its id. */
	readonly start: () => Promise<string>;
	/** Its id while `start` has not given it yet, for a start that waits for the end; null when it is not there. */
	readonly find?: () => Promise<string | null>;
	readonly onState?: (state: ProgressFieldsFragment) => void;
}

/** Follows a job that this call started: Ctrl-C cancels it, and the report says what was done by then. */
export async function superviseJob(
	context: CliContext,
	session: Session,
	{ start, find = async () => null, onState = () => {} }: Supervised,
): Promise<{ readonly job: JobReport; readonly interrupted: boolean }> {
	let interrupted = false;
	let id: string | null = null;
	let cancelling: Promise<unknown> = Promise.resolve();
	async function cancel(job: string | null): Promise<void> {
		if (job === null) return;
		try {
			await session.execute(CancelJobDocument, { id: job });
		} catch (error) {
			context.terminal.note(context.terminal.t("cli.cancelFailed", { reason: error instanceof Error ? error.message : String(error) }));
		}
	}
	const stopListening = context.interrupts.onInterrupt(() => {
		interrupted = true;
		context.terminal.note(context.terminal.t("cli.cancelling"));
		cancelling = id === null ? find().then(cancel) : cancel(id);
	});
	try {
		id = await start();
		if (interrupted) {
			await cancelling;
			cancelling = cancel(id);
		}
		const job = await followJob(session, id, onState);
		await cancelling;
		return { job, interrupted };
	} finally {
		stopListening();
	}
}

export function exitOfJob(status: JobReport["status"], interrupted: boolean): ExitCode {
	if (interrupted) return EXIT.interrupted;
	if (status === "PARTIALLY_FAILED") return EXIT.partly;
	return status === "FAILED" || status === "CANCELLED" ? EXIT.failed : EXIT.done;
}
