import type { Config } from "../../config/config.js";
import type { MessageKey } from "../../core/messages/catalogue.js";
import type { CliContext } from "../context.js";
import type { MongodbFindings } from "../host.js";
import { type Check, ok, wrong } from "./check.js";

/** $bsonSize and expressions in projections are there since. */
export const MIN_VERSION = [4, 4] as const;

const REMEDIES: Readonly<Partial<Record<MessageKey, MessageKey>>> = {
	"mongodb.unreachable": "doctor.mongodb.unreachableRemedy",
	"mongodb.late": "doctor.mongodb.lateRemedy",
	"mongodb.login": "doctor.mongodb.loginRemedy",
	"mongodb.forbidden": "doctor.mongodb.rightsRemedy",
	"mongodb.old": "doctor.mongodb.versionRemedy",
};

export async function checkMongodb(config: Config, { host, terminal }: CliContext): Promise<Check[]> {
	if (config.mongodb.uri === null) return [];
	return mongodbChecks(await host.inspectMongodb(config), config, (said) => terminal.say(said));
}

export function mongodbChecks(
	{ location, failure, version, reportsChanges, unindexed, missingRights }: MongodbFindings,
	{ mongodb }: Pick<Config, "mongodb">,
	say: (said: NonNullable<MongodbFindings["failure"]>["said"]) => string,
): Check[] {
	const facts = { location, version, database: mongodb.database, min: MIN_VERSION.join(".") };
	if (failure !== null) {
		const remedy = REMEDIES[failure.said.key] ?? "doctor.mongodb.unreachableRemedy";
		return [wrong("fault", "mongodb", "doctor.mongodb.down", remedy, { ...facts, error: say(failure.said) })];
	}
	if (isOlder(version)) return [wrong("fault", "mongodb:version", "doctor.mongodb.version", "doctor.mongodb.versionRemedy", facts)];
	const checks = [ok("mongodb", "doctor.mongodb.ok", facts)];
	if (missingRights.length > 0)
		checks.push(
			wrong("fault", "mongodb:rights", "doctor.mongodb.rights", "doctor.mongodb.rightsRemedy", {
				...facts,
				missing: missingRights.join(", "),
			}),
		);
	if (!reportsChanges) checks.push(wrong("warning", "mongodb:changes", "doctor.mongodb.changes", "doctor.mongodb.changesRemedy", facts));
	for (const collection of unindexed)
		checks.push(
			wrong("warning", `mongodb:index:${collection}`, "doctor.mongodb.index", "doctor.mongodb.indexRemedy", { ...facts, collection }),
		);
	return checks;
}

export function isOlder(version: string): boolean {
	const [major = 0, minor = 0] = version.split(".").map(Number);
	return major < MIN_VERSION[0] || (major === MIN_VERSION[0] && minor < MIN_VERSION[1]);
}
