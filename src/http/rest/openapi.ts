/** The OpenAPI 3.1 document, made of the shapes that check and describe the calls. */
import { z } from "zod";
import { type ErrorCode, restStatusOf } from "../../core/errors.js";
import { OPERATIONS } from "../../core/roles.js";
import type { RestRoute } from "./routes.js";
import { failureAnswer, successOf } from "./shapes.js";

type JsonObject = Record<string, unknown>;

/** What every call may be answered with; those with parameters also BAD_USER_INPUT. */
const COMMON_FAILURES: readonly ErrorCode[] = ["UNAUTHENTICATED", "FORBIDDEN", "RATE_LIMITED", "INTERNAL"];

const FAILURE_SCHEMA = { $ref: "#/components/schemas/Failure" };

export function openApiDocument(routes: readonly RestRoute[], prefix: string): JsonObject {
	const paths: Record<string, JsonObject> = {};
	for (const route of routes) {
		const path = prefix + route.path.replace(/:(\w+)/g, "{$1}");
		paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
	}
	return {
		openapi: "3.1.1",
		info: {
			title: "cachewarden REST facade",
			version: "1",
			license: { name: "Apache-2.0", identifier: "Apache-2.0" },
			description:
				"For clients of the original system. Messages are Chinese, or English when Accept-Language prefers it. The whole API is GraphQL, at /graphql.",
		},
		// Where the document lies, the calls lie too.
		servers: [{ url: "/" }],
		security: [{ bearer: [] }],
		paths,
		components: {
			securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
			schemas: { Failure: schemaOf(failureAnswer) },
		},
	};
}

function operationOf(route: RestRoute): JsonObject {
	const { operation, summary, parameters, answers, failures } = route;
	const codes: readonly ErrorCode[] = [
		...COMMON_FAILURES,
		...(parameters?.in === "query" || parameters?.in === "body" ? (["BAD_USER_INPUT"] as const) : []),
		...failures,
	];
	const responses: Record<string, JsonObject> = {};
	for (const [status, data] of Object.entries(answers)) responses[status] = response("OK", schemaOf(successOf(data)));
	for (const code of codes) {
		const status = String(restStatusOf(code));
		const known = responses[status];
		responses[status] = response(known === undefined ? code : `${String(known.description)}, ${code}`, FAILURE_SCHEMA);
	}
	return {
		operationId: operation,
		summary,
		description: `Needs the role ${OPERATIONS[operation].role}.`,
		parameters: [...parametersOf(route), LANGUAGE],
		...(parameters?.in === "body"
			? { requestBody: { content: { "application/json": { schema: schemaOf(parameters.shape, "input") } } } }
			: {}),
		responses,
	};
}

const LANGUAGE = {
	name: "Accept-Language",
	in: "header",
	description: "zh (the default) or en",
	schema: { type: "string" },
};

function parametersOf({ parameters }: RestRoute): JsonObject[] {
	if (parameters === undefined || parameters.in === "body") return [];
	const { properties = {}, required = [] } = schemaOf(parameters.shape, "input") as {
		properties?: Record<string, JsonObject>;
		required?: readonly string[];
	};
	return Object.entries(properties).map(([name, { description, ...schema }]) => ({
		name,
		in: parameters.in,
		required: required.includes(name),
		...(description === undefined ? {} : { description }),
		schema,
	}));
}

function response(description: string, schema: JsonObject): JsonObject {
	return {
		description,
		headers: { "X-Request-ID": { description: "The caller's own when it is harmless, else a new one", schema: { type: "string" } } },
		content: { "application/json": { schema } },
	};
}

function schemaOf(shape: z.ZodType, io: "input" | "output" = "output"): JsonObject {
	const { $schema: _, ...schema } = z.toJSONSchema(shape, { io });
	return schema;
}
