import type { GraphQLSchema } from "graphql";

type Arguments = Readonly<Record<string, unknown>>;

/** What a transport must know of a subscription to serve many subscribers by executing each event once. */
export interface LiveTraits {
	/** Subscribers with equal arguments hold the same events: all of them, or administrators among themselves and each user with himself. */
	readonly alikeFor: "everybody" | "administrators and each user";
	/** What an event is the newest state of: it may stand for the earlier ones that a subscriber has not taken. Null: none may be left out. */
	readonly stateOf: ((event: unknown) => string) | null;
	/** With these arguments: events from now on; first the state of now; or first what was recorded since a cursor. */
	readonly begins: (args: Arguments) => "now" | "with the state" | "at a cursor";
	/** Rises from event to event of one state; tells whether the state of now came before or after one that was live. */
	readonly sequenceOf: (event: unknown) => number;
}

/** Null for a field that says nothing of itself: its subscribers share nothing. */
export function liveTraitsOf(schema: GraphQLSchema, field: string): LiveTraits | null {
	const extensions = schema.getSubscriptionType()?.getFields()[field]?.extensions;
	return (extensions?.live as LiveTraits | undefined) ?? null;
}
