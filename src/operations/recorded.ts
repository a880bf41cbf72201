import type { ActionType, AuditIntent, AuditLog } from "../audit/port.js";
import type { Actor, Call } from "../core/actor.js";
import type { Clock } from "../core/clock.js";
import { CachewardenError, failureOf } from "../core/errors.js";
import type { OperationName } from "../core/roles.js";
import { permit } from "./permission.js";

const MAX_SHOWN = 100;

/** Who does what, for the audit log; lists of ids are cut so that an entry stays small. */
interface Change {
	readonly name: OperationName;
	readonly actionType: ActionType;
	readonly details: Readonly<Record<string, unknown>>;
}

export type ActingCall = Call & { readonly actor: Actor };

/**
 * Runs what changes something: its intent is durable before anything happens, and a refusal or failure is its outcome. When
 * `work` returns, it has either ended the ticket itself or handed it to a job, which ends it.
 */
export async function recorded<T>(
	deps: { readonly audit: AuditLog; readonly clock: Clock },
	call: Call,
	change: Change,
	work: (call: ActingCall, ticket: string) => Promise<T>,
): Promise<T> {
	const { actor } = call;
	if (actor === null) throw new CachewardenError("UNAUTHENTICATED");
	const ticket = await deps.audit.begin(intentOf(call, actor, change, deps.clock.now()));
	try {
		permit(call, change.name);
		return await work({ ...call, actor }, ticket);
	} catch (error) {
		const failure = failureOf(error);
		await deps.audit.end(ticket, { success: false, error: failure, details: {}, jobId: null, finishedAt: deps.clock.now() });
		throw error;
	}
}

function intentOf(call: Call, actor: Actor, change: Change, startedAt: number): AuditIntent {
	return {
		actor,
		actionType: change.actionType,
		action: change.name,
		details: Object.fromEntries(Object.entries(change.details).flatMap(([name, value]) => shortened(name, value))),
		origin: call.origin,
		requestId: call.requestId,
		ipAddress: call.ipAddress,
		userAgent: call.userAgent,
		startedAt,
	};
}

function shortened(name: string, value: unknown): [string, unknown][] {
	if (value === null || value === undefined) return [];
	if (!Array.isArray(value) || value.length <= MAX_SHOWN) return [[name, value]];
	return [
		[name, value.slice(0, MAX_SHOWN)],
		[`${name}Count`, value.length],
	];
}
