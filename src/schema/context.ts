import type { Call } from "../core/actor.js";
import type { Operations } from "../operations/operations.js";

/** What a resolver is given: who calls, and what can be asked. Made by the transport, once a request or socket operation. */
export interface GraphContext {
	readonly call: Call;
	readonly operations: Operations;
}
