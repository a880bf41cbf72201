import type { FastifyRequest } from "fastify";
import { type DocumentNode, getOperationAST } from "graphql";
import { LRUCache } from "lru-cache";
import type { Execute } from "./compiled-executor.js";
import { present, statusOf } from "./graphql-errors.js";
import type { HttpContext } from "./http-context.js";
import type { QueryLimits } from "./limits.js";
import { labelOf } from "./request-log.js";

/** Of the texts of the queries that are remembered. */
const REMEMBERED_CHARACTERS = 200_000;
const REMEMBERED_ACCEPTS = 100;
const LONGEST_ACCEPT = 256;

export interface AcceptedQuery {
	readonly document: DocumentNode;
	/** Names the document to the executor. */
	readonly key: string;
}

export interface Answer {
	readonly status: number;
	readonly contentType: string;
	readonly body: string;
}

interface Asked {
	readonly query: string;
	readonly operationName: string | null | undefined;
	readonly variables: Readonly<Record<string, unknown>> | null | undefined;
}

/**
 * What Apollo has parsed, validated and negotiated before need not go through it again, which takes longer than most queries run.
 * Only plain requests that will run are answered here; Apollo answers everything else, so that there is one place that refuses.
 */
export class AcceptedQueries {
	readonly #limits: QueryLimits;
	readonly #execute: Execute;
	readonly #queries = new LRUCache<string, AcceptedQuery>({ maxSize: REMEMBERED_CHARACTERS });
	/** Content type of answers by `Accept` header. */
	readonly #contentTypes = new LRUCache<string, string>({ max: REMEMBERED_ACCEPTS });

	constructor(limits: QueryLimits, execute: Execute) {
		this.#limits = limits;
		this.#execute = execute;
	}

	remember(source: string, query: AcceptedQuery): void {
		if (!this.#queries.has(source)) this.#queries.set(source, query, { size: source.length });
	}

	rememberContentType(accept: string | undefined, contentType: unknown): void {
		if (typeof contentType === "string" && (accept ?? "").length <= LONGEST_ACCEPT) this.#contentTypes.set(accept ?? "", contentType);
	}

	/** Null when Apollo has to be asked. */
	async answer({ body, headers }: FastifyRequest, contextOf: () => HttpContext): Promise<Answer | null> {
		const asked = askedIn(body);
		const known = asked && this.#queries.get(asked.query);
		const contentType = this.#contentTypes.get(headers.accept ?? "");
		if (!known || contentType === undefined || !headers["content-type"]?.startsWith("application/json")) return null;
		const { document, key } = known;
		const { operationName, variables } = asked;
		const kind = getOperationAST(document, operationName)?.operation;
		if (kind === undefined || kind === "subscription") return null;
		const context = contextOf();
		if (this.#limits.introspects(document) && !context.reader.seesSchema) return null;
		const cost = this.#limits.costWithin({ document, operationName, variables });
		if (cost === null) return null;
		context.named(labelOf(document, operationName));
		const { data, errors } = await this.#execute({ key, document, operationName, variables, context });
		const presented = errors?.map((error) => present(error, context.reader));
		const status = presented ? (statusOf(undefined, data, presented) ?? 200) : 200;
		return { status, contentType, body: `${JSON.stringify({ errors: presented, data, extensions: { cost } })}\n` };
	}
}

/** The request in a body of the plain form; null for any other. */
function askedIn(body: unknown): Asked | null {
	if (typeof body !== "object" || body === null) return null;
	const { query, operationName, variables, extensions } = body as Readonly<Record<string, unknown>>;
	if (typeof query !== "string" || (extensions ?? null) !== null) return null;
	if (operationName !== undefined && operationName !== null && typeof operationName !== "string") return null;
	if (variables !== undefined && (typeof variables !== "object" || Array.isArray(variables))) return null;
	return { query, operationName, variables: variables as Asked["variables"] };
}
