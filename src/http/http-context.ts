import type { GraphContext } from "../schema/context.js";
import type { Reader } from "./graphql-errors.js";
import type { OperationLabel } from "./request-log.js";

/** What a request over HTTP adds to what resolvers need. */
export interface HttpContext extends GraphContext {
	readonly reader: Reader;
	/** Called once it is known what is asked for. */
	readonly named: (label: OperationLabel) => void;
}
