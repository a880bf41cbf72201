/** The forms of the settings that describe loaders, data sources and models: records of things that have names. */
import { z } from "zod";

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const text = z.string().trim().min(1).max(2048);
const headers = z.record(z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/), z.string().max(4096));
const types = z.array(z.string().trim().min(1).max(200)).min(1).max(100);
const symbols = z.array(z.string().trim().min(1).max(200)).max(10_000);
const url = text.refine(isAddress);

/** Placeholders stand in path and query only: who is asked is never a matter of the input. */
const template = text.refine((value) => {
	const [origin] = /^https?:\/\/[^/?#]*/.exec(value) ?? [];
	return (
		origin !== undefined && !origin.includes("{") && isAddress(value) && placeholdersOf(value).every((one) => PLACEHOLDERS.includes(one))
	);
});
const PLACEHOLDERS = ["symbol", "type", "startDate", "endDate", "source"];

const loading = {
	types,
	/** Recorded as the entries' data source. */
	source: text.optional(),
	/** How far back a warm-up asks, in days; absent: without dates. */
	daysBack: z.int().min(1).max(36_500).optional(),
	timeoutSeconds: z.number().min(0.1).max(600).default(30),
	retries: z.int().min(0).max(20).default(3),
	backoffMs: z.int().min(1).max(60_000).default(500),
	requestsPerSecond: z.number().min(0.01).max(10_000).default(10),
	concurrency: z.int().min(1).max(64).default(4),
	stopAfterFailures: z.int().min(1).max(1_000_000).default(50),
	maxBytes: z.int().min(1).max(268_435_456).default(16_777_216),
};

const loader = z.discriminatedUnion("kind", [
	z.strictObject({
		kind: z.literal("http"),
		...loading,
		url: template,
		headers: headers.default({}),
		format: z.enum(["csv", "txt", "json"]).optional(),
		allowPrivateAddresses: z.boolean().default(false),
	}),
	z.strictObject({ kind: z.literal("module"), ...loading, file: text, export: text.default("default") }),
	z.strictObject({ kind: z.literal("tier"), ...loading, from: z.enum(["FILE", "REDIS", "MONGODB"]) }),
]);

const httpSync = z.strictObject({
	url,
	method: z.enum(["GET", "POST", "PUT"]).default("POST"),
	headers: headers.default({}),
	timeoutSeconds: z.number().min(0.1).max(3600).default(60),
	allowPrivateAddresses: z.boolean().default(false),
	success: z
		.strictObject({
			statuses: z.array(z.int().min(100).max(599)).min(1).optional(),
			/** A member of the JSON answer, by its path with dots, and what it must be. */
			member: text.optional(),
			equals: z.union([z.string(), z.number(), z.boolean()]).optional(),
		})
		.default({}),
});

const source = z.strictObject({
	sync: z.union([z.literal("external"), httpSync]),
	types,
	/** Absent: every symbol depends on it. */
	symbols: symbols.min(1).optional(),
});

const words = z.array(z.string().trim().min(1).max(200)).max(100);
const model = z.strictObject({
	name: z.string().trim().min(1).max(200),
	provider: z.string().trim().min(1).max(200),
	capabilityLevel: z.int().min(1).max(5),
	roles: words.default([]),
	features: words.default([]),
	enabled: z.boolean().default(true),
});
export const modelsForm = z.array(model).max(1000);

export const loadersForm = z.record(name, loader);
export const sourcesForm = z.record(name, source);

export type LoaderForm = z.output<typeof loader>;
export type SourceForm = z.output<typeof source>;

function isAddress(value: string): boolean {
	if (!URL.canParse(value)) return false;
	const { protocol, username, password } = new URL(value);
	return (protocol === "https:" || protocol === "http:") && username === "" && password === "";
}

function placeholdersOf(value: string): string[] {
	return [...value.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1] ?? "");
}

/** `${NAME}` in headers stands for a variable of the environment; names of those that are not there go to `missing`. */
export function withEnvironment(
	given: Readonly<Record<string, string>>,
	env: Readonly<Record<string, string | undefined>>,
	missing: (variable: string) => void,
): Readonly<Record<string, string>> {
	return Object.fromEntries(
		Object.entries(given).map(([header, value]) => [
			header,
			value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, variable: string) => {
				const found = env[variable]?.trim();
				if (found === undefined || found === "") missing(variable);
				return found ?? "";
			}),
		]),
	);
}
