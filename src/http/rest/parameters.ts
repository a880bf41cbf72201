import { z } from "zod";
import { CachewardenError } from "../../core/errors.js";

const INTEGER = /^-?\d{1,16}$/;
const LONGEST_SHOWN = 80;

export type ReadParameters =
	| { readonly ok: true; readonly input: Readonly<Record<string, unknown>> }
	| { readonly ok: false; readonly error: CachewardenError };

/** Parameters as they stand in an address, checked; what the shape does not know is passed over. The first wrong one is named. */
export function readParameters(shape: z.ZodObject, given: unknown): ReadParameters {
	const numbers = Object.entries(given as Readonly<Record<string, unknown>>).map(([name, value]) => {
		return [name, typeof value === "string" && isInteger(shape, name) && INTEGER.test(value) ? Number(value) : value];
	});
	const values = Object.fromEntries(numbers) as Record<string, unknown>;
	const result = shape.safeParse(values);
	if (result.success) return { ok: true, input: result.data };
	const name = String(result.error.issues[0]?.path[0] ?? "");
	const value = String(values[name]).slice(0, LONGEST_SHOWN);
	return {
		ok: false,
		error: new CachewardenError("BAD_USER_INPUT", { key: "error.outOfRange", facts: { name, range: rangeOf(shape, name), value } }),
	};
}

function schemaOf(shape: z.ZodObject, name: string): z.core.JSONSchema.BaseSchema {
	const schema = z.toJSONSchema(shape, { io: "input" }).properties?.[name];
	return typeof schema === "object" ? schema : {};
}

function isInteger(shape: z.ZodObject, name: string): boolean {
	return Object.hasOwn(shape.shape, name) && schemaOf(shape, name).type === "integer";
}

/** What a number must be, in signs that read in every language. */
function rangeOf(shape: z.ZodObject, name: string): string {
	const { minimum, maximum } = schemaOf(shape, name);
	return maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? `>= ${minimum ?? 0}` : `${minimum ?? 0}–${maximum}`;
}
