import type { Job, JobKind } from "../core/job.js";
import type { Dependencies } from "./dependencies.js";
import type { ActingCall } from "./recorded.js";

/** How long a caller who waits is kept waiting. */
const WAIT_MS = 30_000;

interface Submitted {
	readonly kind: JobKind;
	readonly input: Readonly<Record<string, unknown>>;
	readonly idempotencyKey: string | null;
	readonly wait: boolean;
}

/** Hands an accepted operation to the engine. A repeated key is no operation of its own, so its intent is taken back. */
export async function submit(
	{ jobs, audit }: Pick<Dependencies, "jobs" | "audit">,
	call: ActingCall,
	ticket: string,
	request: Submitted,
): Promise<Job> {
	const { job, fresh } = await jobs.submit({
		kind: request.kind,
		input: request.input,
		auditTicket: ticket,
		call,
		idempotencyKey: request.idempotencyKey,
	});
	if (!fresh) await audit.withdraw(ticket);
	return request.wait ? jobs.waitForEnd(job.id, WAIT_MS) : job;
}

/** Absent and null mean the same, so neither is kept: the job's input says what restricts it and nothing else. */
export function present(input: Readonly<Record<string, unknown>>): Record<string, unknown> {
	return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null && value !== undefined));
}
