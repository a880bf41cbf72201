import "reflect-metadata";
import { assertInterfaceType, type GraphQLSchema } from "graphql";
import { buildSchemaSync, type PubSub } from "type-graphql";
import { AuditResolver, AuditVerificationResolver } from "../resolvers/audit.js";
import { ChangingResolver } from "../resolvers/changing.js";
import { CleanupPreviewResolver, EntryConnectionResolver, EntryResolver } from "../resolvers/entries.js";
import { JobResolver } from "../resolvers/jobs.js";
import { LiveResolver } from "../resolvers/live.js";
import { LoadingResolver } from "../resolvers/loading.js";
import { ModelResolver } from "../resolvers/models.js";
import { ReadingResolver } from "../resolvers/reading.js";
import { RestoringResolver } from "../resolvers/restoring.js";
import { ScheduleResolver } from "../resolvers/schedules.js";
import { WorkflowResolver } from "../resolvers/workflows.js";
import { nodeTypeOf } from "./node.js";

/** The builder wants one as soon as there is a subscription, but every one here brings its own iterator. */
const NO_TOPICS: PubSub = {
	publish: noTopics,
	subscribe: noTopics,
};

function noTopics(topic: string): never {
	throw new Error(`There are no topics here, so ${topic} is none`);
}

/** The executable schema. Its resolvers want a `GraphContext`. */
export function buildApiSchema(): GraphQLSchema {
	const schema = buildSchemaSync({
		resolvers: [
			ReadingResolver,
			EntryResolver,
			EntryConnectionResolver,
			CleanupPreviewResolver,
			ChangingResolver,
			RestoringResolver,
			LoadingResolver,
			WorkflowResolver,
			ModelResolver,
			JobResolver,
			AuditResolver,
			AuditVerificationResolver,
			LiveResolver,
			ScheduleResolver,
		],
		// Operations check what they are given, for every way in.
		validate: false,
		pubSub: NO_TOPICS,
	});
	// The builder wraps it into a promise, which compiled queries do not wait for.
	assertInterfaceType(schema.getType("Node")).resolveType = nodeTypeOf;
	return schema;
}
