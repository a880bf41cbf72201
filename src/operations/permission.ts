import type { Actor, Call } from "../core/actor.js";
import { CachewardenError } from "../core/errors.js";
import { mayCall, type OperationName } from "../core/roles.js";

/** The actor, when the table of roles lets him call this. */
export function permit(call: Call, operation: OperationName): Actor {
	if (call.actor === null) throw new CachewardenError("UNAUTHENTICATED");
	if (!mayCall(call.actor.roles, operation)) throw new CachewardenError("FORBIDDEN");
	return call.actor;
}

export function isAdmin(actor: Actor): boolean {
	return actor.roles.includes("ADMIN");
}
