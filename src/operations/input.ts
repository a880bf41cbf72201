import { type ZodType, z } from "zod";
import { DAY_MS } from "../core/clock.js";
import { BACKEND_KINDS, ENTRY_STATUSES } from "../core/entry.js";
import { CachewardenError, type Said } from "../core/errors.js";
import type { PageRequest } from "../core/page.js";
import { ENTRY_ORDER_FIELDS, type EntryOrder, type Selection } from "../core/selection.js";
import type { DetailsInput, PageArguments, SelectionInput } from "./operations.js";

const MAX_LIST = 10_000;
const MAX_TEXT = 1024;

const texts = z.array(z.string().max(MAX_TEXT)).max(MAX_LIST);
const selectionShape = {
	backends: z.array(z.enum(BACKEND_KINDS)).max(BACKEND_KINDS.length).nullish(),
	types: texts.nullish(),
	symbols: texts.nullish(),
	sources: texts.nullish(),
};
const MAX_DAYS = 3650;
const days = z.number().int().min(1).max(MAX_DAYS);
/** Absent: as the settings say. */
const quarantine = z.boolean().nullish();
const submission = {
	planId: z.string().max(64).nullish(),
	wait: z.boolean().nullish(),
	idempotencyKey: z.string().min(1).max(200).nullish(),
};

/** What a cleanup job keeps as its input: the selection alone. */
export const cleanupJobInput = z.object({ ...selectionShape, olderThanDays: days.nullish(), planId: submission.planId, quarantine });
/** What a schedule repeats: no plan, which ends after fifteen minutes. */
export const scheduledCleanupInput = cleanupJobInput.omit({ planId: true }).strict();
export const cleanupInput = cleanupJobInput.extend(submission);
export const clearJobInput = z.object({ ...selectionShape, planId: submission.planId, quarantine });
export const clearInput = clearJobInput.extend({ ...submission, confirm: z.boolean() });
export const deleteJobInput = z.object({
	ids: z
		.array(z.string().regex(/^e[0-9a-f]{20}$/))
		.min(1)
		.max(1000),
});

export const refreshJobInput = z.object({
	types: texts.nullish(),
	symbols: texts.nullish(),
	ids: deleteJobInput.shape.ids.nullish(),
	expiredOnly: z.boolean().nullish(),
});
export const refreshInput = refreshJobInput.extend({ wait: submission.wait, idempotencyKey: submission.idempotencyKey });
export const warmUpJobInput = z.object({
	loader: z.string().min(1).max(64),
	symbols: z.array(z.string().trim().min(1).max(200)).min(1).max(MAX_LIST),
	target: z.enum(BACKEND_KINDS).nullish(),
});
export const warmUpInput = warmUpJobInput.extend({ wait: submission.wait, idempotencyKey: submission.idempotencyKey });

const detailsShape = z.object({
	filter: z
		.object({
			...selectionShape,
			statuses: z.array(z.enum(ENTRY_STATUSES)).nullish(),
			keyContains: z.string().max(MAX_TEXT).nullish(),
			olderThanDays: z.number().min(0).max(36_500).nullish(),
			minBytes: z.number().int().min(0).nullish(),
		})
		.nullish(),
	orderBy: z.object({ field: z.enum(ENTRY_ORDER_FIELDS), direction: z.enum(["ASC", "DESC"]) }).nullish(),
});

/** Checks a caller's input; BAD_USER_INPUT names the first culprit by its path. */
export function checked<T>(shape: ZodType<T>, input: unknown): T {
	const result = shape.safeParse(input);
	if (result.success) return result.data;
	const [issue] = result.error.issues;
	const name = issue?.path.join(".") || "input";
	throw badInput({ key: "error.outOfRange", facts: { name, range: issue?.message ?? "valid", value: shown(input, issue?.path ?? []) } });
}

export function badInput(said: Said): CachewardenError {
	return new CachewardenError("BAD_USER_INPUT", said);
}

function shown(input: unknown, path: readonly PropertyKey[]): string {
	let value: unknown = input;
	for (const step of path) value = typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined;
	return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}

/** The restriction that an input names. `refuseEmpty` is for what changes something: there an empty list is a mistake. */
export function selectionOf(input: SelectionInput, refuseEmpty: boolean): Selection {
	const selection: { -readonly [K in "backends" | "types" | "symbols" | "sources"]?: Selection[K] } = {};
	for (const name of ["backends", "types", "symbols", "sources"] as const) {
		const list = input[name];
		if (list === null || list === undefined) continue;
		if (refuseEmpty && list.length === 0) throw badInput({ key: "error.emptyList", facts: { name } });
		Object.assign(selection, { [name]: [...new Set<string>(list)] });
	}
	return selection;
}

/** planId stands instead of a selection: naming both is a mistake, whichever the caller meant. */
export function refusePlanWithSelection(
	input: SelectionInput & { readonly olderThanDays?: number | null | undefined; readonly planId?: string | null | undefined },
): void {
	if (input.planId === null || input.planId === undefined) return;
	for (const name of ["backends", "types", "symbols", "sources", "olderThanDays"] as const) {
		if (input[name] !== null && input[name] !== undefined) throw badInput({ key: "error.planAndSelection", facts: { name } });
	}
}

const DEFAULT_ORDER: EntryOrder = { field: "CREATED_AT", direction: "DESC" };

export function detailsOf(input: DetailsInput, nowMs: number): { readonly selection: Selection; readonly order: EntryOrder } {
	const { filter, orderBy } = checked(detailsShape, { filter: input.filter, orderBy: input.orderBy });
	const order = orderBy ?? DEFAULT_ORDER;
	if (!filter) return { selection: {}, order };
	const selection: Selection = {
		...selectionOf(filter, false),
		...(filter.statuses ? { statuses: filter.statuses } : {}),
		...(filter.keyContains ? { keyContains: filter.keyContains } : {}),
		...(typeof filter.olderThanDays === "number" ? { createdBefore: nowMs - filter.olderThanDays * DAY_MS } : {}),
		...(typeof filter.minBytes === "number" ? { minBytes: filter.minBytes } : {}),
	};
	return { selection, order };
}

/** Relay's four arguments as one request. `first`/`last`: 1 to `max`. */
export function pageOf(page: PageArguments, max: number, defaultLimit: number): PageRequest {
	const first = page.first ?? null;
	const last = page.last ?? null;
	if (first !== null && last !== null) throw badInput({ key: "error.bothFirstAndLast", facts: {} });
	const backward = last !== null || (first === null && (page.before ?? null) !== null && (page.after ?? null) === null);
	const [name, limit] = backward ? (["last", last ?? defaultLimit] as const) : (["first", first ?? defaultLimit] as const);
	if (!Number.isInteger(limit) || limit < 1 || limit > max)
		throw badInput({ key: "error.outOfRange", facts: { name, range: `1–${max}`, value: limit } });
	const [cursor, other] = backward ? [page.before, page.after] : [page.after, page.before];
	if (other !== null && other !== undefined) throw badInput({ key: "error.bothCursors", facts: {} });
	return { direction: backward ? "backward" : "forward", limit, cursor: cursor ?? null };
}
