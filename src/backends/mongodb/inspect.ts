/** What the doctor wants to know of the server, beside whether it answers. */
import type { mongo } from "mongoose";
import { type Failure, failureOf } from "../../core/errors.js";
import { problemOf } from "./change-watch.js";
import { type ConnectionOptions, MongodbConnection } from "./connection.js";
import { unindexedCollections } from "./indexes.js";
import type { MongodbOptions } from "./options.js";

const INSPECT_MS = 5_000;

export interface MongodbFindings {
	readonly location: string;
	/** Why it could not be looked at; then nothing else is known. */
	readonly failure: Failure | null;
	readonly version: string;
	/** False without a replica set. */
	readonly reportsChanges: boolean;
	/** Collections that are there and have no index on `created_at`. */
	readonly unindexed: readonly string[];
	/** What the user may not do with a configured collection, as `collection: action`. */
	readonly missingRights: readonly string[];
}

const NEEDED_ACTIONS = ["find", "remove", "changeStream"];

interface Privilege {
	readonly resource: { readonly db?: string; readonly collection?: string; readonly anyResource?: boolean };
	readonly actions: readonly string[];
}

/** Looks and closes; never throws for what it finds. */
export async function inspectMongodb(
	options: Pick<ConnectionOptions, "uri" | "database"> & Pick<MongodbOptions, "collections">,
): Promise<MongodbFindings> {
	const connection = new MongodbConnection({ uri: options.uri, database: options.database, poolSize: 1 });
	const { location } = connection;
	try {
		const findings = await connection.runWithin(INSPECT_MS, async (db) => ({
			version: String((await db.command({ buildInfo: 1 })).version),
			reportsChanges: (await problemOf(db)) === null,
			missingRights: await missingRights(db, options),
			unindexed: await unindexedCollections(db, options.collections),
		}));
		return { location, failure: null, ...findings };
	} catch (error) {
		return { location, failure: failureOf(error), version: "?", reportsChanges: false, unindexed: [], missingRights: [] };
	} finally {
		await connection.close();
	}
}

async function missingRights(db: mongo.Db, { database, collections }: Pick<MongodbOptions, "database" | "collections">): Promise<string[]> {
	const { authInfo } = await db.command({ connectionStatus: 1, showPrivileges: true });
	// Without users everybody may do everything.
	if (authInfo.authenticatedUsers.length === 0) return [];
	const privileges = authInfo.authenticatedUserPrivileges as readonly Privilege[];
	const may = (collection: string, action: string): boolean =>
		privileges.some(
			({ resource, actions }) =>
				(actions.includes(action) || actions.includes("anyAction")) &&
				(resource.anyResource === true ||
					((resource.db === "" || resource.db === database) && (resource.collection === "" || resource.collection === collection))),
		);
	return collections.flatMap(({ name }) => NEEDED_ACTIONS.filter((action) => !may(name, action)).map((action) => `${name}: ${action}`));
}
