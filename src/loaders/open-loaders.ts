import type { CacheWriter } from "../backends/writer.js";
import type { Catalog } from "../catalog/port.js";
import type { Config } from "../config/config.js";
import type { BackendKind } from "../core/entry.js";
import { openHttpLoader } from "./http-loader.js";
import { openModuleLoader } from "./module-loader.js";
import type { Loader } from "./port.js";
import { openTierLoader } from "./tier-loader.js";

export interface LoaderParts {
	readonly catalog: Pick<Catalog, "page" | "refs">;
	readonly writers: ReadonlyMap<BackendKind, CacheWriter>;
	readonly timeZone: string;
}

/** The configured loaders by name, in the configuration's order. */
export function openLoaders(forms: Config["loaders"], parts: LoaderParts): ReadonlyMap<string, Loader> {
	return new Map(Object.entries(forms).map(([name, form]) => [name, openLoader(name, form, parts)]));
}

function openLoader(name: string, form: Config["loaders"][string], { catalog, writers, timeZone }: LoaderParts): Loader {
	if (form.kind === "tier") return openTierLoader({ ...form, name, catalog, reader: writers.get(form.from) ?? null });
	const dated = { source: form.source ?? name, daysBack: form.daysBack ?? null, timeZone };
	if (form.kind === "module") return openModuleLoader({ ...form, ...dated, name });
	return openHttpLoader({ ...form, ...dated, name, format: form.format ?? null });
}
