import { type OperationTypeNode, parse, print } from "graphql";

/** An operation that is ready to run, with its variables. */
export interface Example {
	readonly kind: `${OperationTypeNode}`;
	readonly title: { readonly en: string; readonly zh: string };
	readonly query: string;
	readonly variables?: Readonly<Record<string, unknown>>;
}

/** Laid out as the playground shows it. */
export function example(kind: Example["kind"], en: string, zh: string, query: string, variables?: Example["variables"]): Example {
	return { kind, title: { en, zh }, query: print(parse(query)), ...(variables ? { variables } : {}) };
}
