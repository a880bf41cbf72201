import type { TimesToLiveHours } from "../../config/config.js";
import type { MongodbCollection } from "../../config/mongodb.js";

/** How to reach the layer, and how to read what lies there. It can be cloned to another thread. */
export interface MongodbOptions {
	readonly uri: string;
	readonly database: string;
	/** Each is a place. */
	readonly collections: readonly MongodbCollection[];
	/** IANA name: zone of times that are texts without one. BSON dates are UTC. */
	readonly timeZone: string;
	readonly timesToLiveHours: TimesToLiveHours;
}
