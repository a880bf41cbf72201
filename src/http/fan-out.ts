import { createHash } from "node:crypto";
import {
	type ExecutionArgs,
	type ExecutionResult,
	type FieldNode,
	type GraphQLSchema,
	getArgumentValues,
	getOperationAST,
	getVariableValues,
	Kind,
} from "graphql";
import type { Call } from "../core/actor.js";
import { type LiveTraits, liveTraitsOf } from "../schema/live-traits.js";
import { type Packed, Seat } from "./seat.js";
import type { Outlet } from "./socket.js";
import { SubscriptionGroup } from "./subscription-group.js";

/** One who subscribes, with what his transport can do for a whole group. */
export interface Subscriber {
	/** The client's own id of the operation. */
	readonly operationId: string;
	readonly outlet: Outlet;
	/** Names the document. */
	readonly key: string;
	readonly call: Call;
	execute(event: unknown): Promise<ExecutionResult> | ExecutionResult;
	/** As JSON, as a client reads it. */
	serialise(result: ExecutionResult): string;
	/** What clients are told when the source breaks. */
	broken(error: unknown): Error;
	/** Called once, with the error if there was one. */
	left(error: Error | null): void;
}

interface Sharing {
	readonly traits: LiveTraits | null;
	readonly begins: ReturnType<LiveTraits["begins"]> | "unknown";
	/** Equal for subscribers who are to be told the same; null for one who shares with nobody. */
	readonly group: string | null;
}

const ALONE: Sharing = { traits: null, begins: "unknown", group: null };

/**
 * Brings equal subscriptions together: the same document, operation, variables and language, and the same to see. Each subscriber
 * comes with a source of his own, since opening it is what checks his rights; the group keeps the first.
 */
export class FanOut {
	readonly #schema: GraphQLSchema;
	readonly #groups = new Map<string, SubscriptionGroup>();

	constructor(schema: GraphQLSchema) {
		this.#schema = schema;
	}

	join(args: ExecutionArgs, source: AsyncIterator<unknown>, subscriber: Subscriber): Seat {
		const sharing = this.#sharingOf(args, subscriber);
		const known = sharing.group === null ? undefined : this.#groups.get(sharing.group);
		const group = known ?? this.#open(sharing, source, subscriber);
		const seat = new Seat(subscriber.operationId, subscriber.outlet, (error) => {
			group.leave(seat);
			subscriber.left(error);
		});
		if (known) known.join(seat, source);
		else group.begin(seat);
		return seat;
	}

	#open({ traits, begins, group: name }: Sharing, source: AsyncIterator<unknown>, subscriber: Subscriber): SubscriptionGroup {
		async function pack(event: unknown): Promise<Packed> {
			const payload = Buffer.from(`${subscriber.serialise(await subscriber.execute(event))}}`);
			return { payload, stateOf: traits?.stateOf?.(event) ?? null, sequence: traits?.sequenceOf(event) ?? 0 };
		}
		const group = new SubscriptionGroup({
			source,
			pack,
			broken: subscriber.broken,
			paced: name === null,
			beginsWithState: begins === "with the state",
			over: () => {
				if (name !== null) this.#groups.delete(name);
			},
		});
		if (name !== null) this.#groups.set(name, group);
		return group;
	}

	#sharingOf({ document, operationName, variableValues }: ExecutionArgs, { key, call }: Subscriber): Sharing {
		const operation = getOperationAST(document, operationName);
		const [field, ...others] = operation?.selectionSet.selections ?? [];
		if (!operation || field?.kind !== Kind.FIELD || others.length > 0) return ALONE;
		const traits = liveTraitsOf(this.#schema, field.name.value);
		if (traits === null) return ALONE;
		const begins = traits.begins(this.#argumentsOf(field, operation.variableDefinitions ?? [], variableValues ?? {}));
		if (begins === "at a cursor") return { traits, begins, group: null };
		const same = [key, operationName, variableValues, call.locale, viewpointOf(traits, call)];
		return { traits, begins, group: createHash("sha256").update(JSON.stringify(same)).digest("base64") };
	}

	#argumentsOf(
		field: FieldNode,
		definitions: Parameters<typeof getVariableValues>[1],
		given: Readonly<Record<string, unknown>>,
	): Readonly<Record<string, unknown>> {
		const defined = this.#schema.getSubscriptionType()?.getFields()[field.name.value];
		const { coerced } = getVariableValues(this.#schema, definitions, given);
		return defined ? getArgumentValues(defined, field, coerced) : {};
	}
}

/** Whose eyes the events are seen with. */
function viewpointOf({ alikeFor }: LiveTraits, { actor }: Call): string {
	if (alikeFor === "everybody" || actor === null) return alikeFor;
	return actor.roles.includes("ADMIN") ? "administrators" : `user ${actor.id}`;
}
