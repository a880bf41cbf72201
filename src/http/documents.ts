import { createHash } from "node:crypto";
import { type DocumentNode, GraphQLError, type GraphQLSchema, parse, specifiedRules, validate } from "graphql";
import { LRUCache } from "lru-cache";
import type { QueryLimits } from "./limits.js";

/** Of the texts of the documents that are kept parsed. */
const REMEMBERED_CHARACTERS = 100_000;

export type CheckedDocument =
	| { readonly valid: true; readonly document: DocumentNode; readonly key: string }
	| { readonly valid: false; readonly errors: readonly GraphQLError[] };

/** Parses and validates texts within the limits; the results of the last ones are kept. */
export function documentChecker(schema: GraphQLSchema, limits: QueryLimits): (source: string) => CheckedDocument {
	const known = new LRUCache<string, CheckedDocument>({ maxSize: REMEMBERED_CHARACTERS });

	function check(source: string, key: string): CheckedDocument {
		try {
			const document = parse(source, limits.parse);
			const errors = validate(schema, document, [...specifiedRules, ...limits.rules]);
			return errors.length > 0 ? { valid: false, errors } : { valid: true, document, key };
		} catch (error) {
			if (error instanceof GraphQLError) return { valid: false, errors: [error] };
			throw error;
		}
	}

	return (source) => {
		const key = createHash("sha256").update(source).digest("hex");
		let checked = known.get(key);
		if (checked === undefined) {
			checked = check(source, key);
			known.set(key, checked, { size: source.length + 1 });
		}
		return checked;
	};
}
