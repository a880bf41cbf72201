/** The section `mongodb`: from its settings to what the adapter gets, and faults that only show when several are seen together. */
import type { MessageKey } from "../core/messages/catalogue.js";
import type { Config } from "./config.js";
import type { CheckContext, ConfigFault } from "./faults.js";
import { parseMongodbUri } from "./mongodb.js";
import type { Settings } from "./schema.js";

const DEFAULT_DATABASE = "tradingagents";
/** The program's own (docs: operations): a clear must never reach them. */
const OWN_COLLECTIONS = /^(operation_log|cachewarden_)|^model_config_versions$/;

/** Types of the field's own collections (docs: cache layouts). */
const TYPES: Readonly<Record<string, string>> = { stock_data: "stock_data", news_data: "news", fundamentals_data: "fundamentals" };

export function mongodbConfig({ uri, database, collections, createIndexes }: Settings["mongodb"]): Config["mongodb"] {
	return {
		uri,
		database: database ?? (uri === null ? null : parseMongodbUri(uri))?.database ?? DEFAULT_DATABASE,
		collections: collections.map((given) => {
			const { name, type } = typeof given === "string" ? { name: given } : given;
			return { name, type: type ?? TYPES[name] ?? null };
		}),
		createIndexes,
	};
}

export function mongodbFaults({ mongodb }: Config, { culprit, isFaulty }: CheckContext): ConfigFault[] {
	const faults: ConfigFault[] = [];
	const fault = (path: string, what: MessageKey, remedy: MessageKey, facts: ConfigFault["what"]["facts"] = {}): void => {
		faults.push({ culprit: culprit(path), value: null, what: { key: what, facts }, remedy: { key: remedy, facts } });
	};
	if (isFaulty("mongodb.collections")) return faults;
	for (const [i, { name }] of mongodb.collections.entries()) {
		if (OWN_COLLECTIONS.test(name)) fault("mongodb.collections", "config.mongodbOwn", "config.mongodbOwnRemedy", { name });
		if (mongodb.collections.slice(i + 1).some((other) => other.name === name))
			fault("mongodb.collections", "config.mongodbSameName", "config.mongodbSameNameRemedy", { name });
	}
	return faults;
}
