import type { Host } from "./host.js";
import type { Interrupts } from "./interrupts.js";
import type { Terminal } from "./terminal.js";

/** What every command is given. */
export interface CliContext {
	readonly host: Host;
	readonly terminal: Terminal;
	readonly interrupts: Interrupts;
	readonly env: Readonly<Record<string, string | undefined>>;
	/** Absolute. */
	readonly cwd: string;
	readonly version: string;
}
