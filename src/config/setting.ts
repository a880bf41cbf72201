/** What every setting is made of: its facts beside its form, and the forms that many share. */
import { z } from "zod";
import type { Said } from "../core/errors.js";

export interface SettingFacts {
	/** Comes before the file. */
	readonly env?: string;
	/** How the variable's text becomes a value; the text itself when absent. */
	readonly fromEnv?: (text: string) => unknown;
	readonly secret?: true;
	/** Holds things by name: a fault names the part that is wrong. */
	readonly byName?: true;
	readonly expected: Said;
	/** Null: nothing, or what `doc` says. */
	readonly default: unknown;
	readonly doc: { readonly en: string; readonly zh: string };
}

export const facts = z.registry<SettingFacts>();

export function setting<S extends z.ZodType>(schema: S, about: SettingFacts & { readonly default: z.output<S> }): z.ZodType<z.output<S>> {
	const withDefault = z.prefault(schema, about.default as never);
	facts.add(withDefault, about);
	return withDefault as unknown as z.ZodType<z.output<S>>;
}

export const numberFromEnv = (text: string): unknown => (/^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : text);
export const listFromEnv = (text: string): unknown =>
	text
		.split(",")
		.map((part) => part.trim())
		.filter((part) => part !== "");

export const expect = (key: Said["key"], expected: Said["facts"] = {}): Said => ({ key, facts: expected });

export function integer(
	min: number,
	max: number,
	about: Pick<SettingFacts, "env" | "doc"> & { readonly default: number },
): z.ZodType<number> {
	return setting(z.int().min(min).max(max), {
		...about,
		fromEnv: numberFromEnv,
		expected: expect("config.expected.integer", { min, max }),
	});
}

export function choice<const T extends readonly [string, ...string[]]>(
	choices: T,
	about: Pick<SettingFacts, "env" | "doc"> & { readonly default: T[number] },
): z.ZodType<T[number]> {
	return setting(z.enum(choices) as unknown as z.ZodType<T[number]>, {
		...about,
		expected: expect("config.expected.choice", { choices: choices.join(", ") }),
	});
}

export function yesOrNo(about: Pick<SettingFacts, "env" | "doc"> & { readonly default: boolean }): z.ZodType<boolean> {
	return setting(z.boolean(), {
		...about,
		fromEnv: (text) => (text === "true" ? true : text === "false" ? false : text),
		expected: expect("config.expected.boolean"),
	});
}

export function optional(schema: z.ZodType<string>, about: Omit<SettingFacts, "default">): z.ZodType<string | null> {
	return setting(schema.nullable(), { ...about, default: null });
}

export const text = z.string().trim().min(1);
export const path = text.refine((value) => !value.includes("\0"));
export const rootName = z.string().regex(/^[^\0/\\]{1,64}$/);
export const oneOrMany = <S extends z.ZodType>(item: S) => z.union([z.array(item), item.transform((one) => [one])]);
export const section = <S extends z.core.$ZodLooseShape>(shape: S) => z.strictObject(shape).prefault({} as never);
