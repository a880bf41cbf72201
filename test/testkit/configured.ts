/** What the configuration makes of an environment and a file, and what it says against them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../src/config/faults.js";
import { loadConfig } from "../../src/config/load.js";
import { temporaryFolder } from "./temporary.js";

type Config = ReturnType<typeof loadConfig>;

export interface Configured {
	/** The folder of the file. */
	readonly cwd: string;
	load(env: Record<string, string>, yaml?: string): Config;
	/** In English. Throws when there is nothing against it. */
	faults(env: Record<string, string>, yaml?: string): string;
}

/** A folder of its own, for one test. */
export function configuredIn(cwd = temporaryFolder()): Configured {
	function load(env: Record<string, string>, yaml = ""): Config {
		writeFileSync(join(cwd, "cachewarden.yaml"), yaml);
		return loadConfig({ env, cwd });
	}
	return {
		cwd,
		load,
		faults(env, yaml) {
			try {
				load(env, yaml);
			} catch (error) {
				if (error instanceof ConfigError) return error.text("en");
				throw error;
			}
			throw new Error("no fault was found");
		},
	};
}
