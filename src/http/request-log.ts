import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type DocumentNode, getOperationAST, Kind } from "graphql";

const LONGEST_NAME = 64;

/** How an operation is called in logs and metrics. */
export interface OperationLabel {
	/** The caller's own name for it, else its fields. Text of a stranger: for logs only. */
	readonly name: string;
	/** Its first field at the top, or what kind it is: a name of ours. */
	readonly field: string;
}

export const UNKNOWN_LABEL: OperationLabel = { name: "unknown", field: "unknown" };

/** One document is asked again and again. */
const labels = new WeakMap<DocumentNode, Map<string, OperationLabel>>();

export function labelOf(document: DocumentNode, operationName: string | null | undefined): OperationLabel {
	const known = labels.get(document) ?? new Map<string, OperationLabel>();
	let label = known.get(operationName ?? "");
	if (label === undefined) {
		label = makeLabel(document, operationName);
		if (label !== UNKNOWN_LABEL) labels.set(document, known.set(operationName ?? "", label));
	}
	return label;
}

function makeLabel(document: DocumentNode, operationName: string | null | undefined): OperationLabel {
	const operation = getOperationAST(document, operationName);
	if (!operation) return UNKNOWN_LABEL;
	const fields = operation.selectionSet.selections.flatMap((selection) => (selection.kind === Kind.FIELD ? [selection.name.value] : []));
	const name = operation.name?.value ?? (fields.join(",") || operation.operation);
	return { name: name.slice(0, LONGEST_NAME), field: fields[0] ?? operation.operation };
}

const REQUEST_ID = /^[\w.-]{1,64}$/;

/** The caller's `X-Request-ID` when it is harmless, else one of ours. */
export function requestIdOf({ headers }: Pick<IncomingMessage, "headers">): string {
	const given = headers["x-request-id"];
	return typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
}
