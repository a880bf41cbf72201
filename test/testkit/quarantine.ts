import { openFileQuarantine } from "../../src/backends/file/file-quarantine.js";
import type { Quarantine } from "../../src/backends/quarantine.js";
import { openEmbeddedCoordination } from "../../src/coordination/embedded.js";
import { type Clock, HOUR_MS } from "../../src/core/clock.js";
import { QuarantineKeeper } from "../../src/operations/quarantine-keeper.js";
import type { Embedded } from "./embedded.js";

const MAX_BYTES = 1_000_000;

/** The quarantine of roots, and its keeper; `embedded` is asked for when it is needed, since its handlers need these. */
export function quarantineOf(
	roots: readonly { readonly name: string; readonly path: string }[],
	clock: Clock,
	embedded: () => Pick<Embedded, "audit" | "jobs">,
): { readonly held: Quarantine; readonly keeper: QuarantineKeeper } {
	const held = openFileQuarantine({ roots, clock });
	const keeper = new QuarantineKeeper({
		quarantine: held,
		limits: { keepMs: HOUR_MS, maxBytes: MAX_BYTES, byDefault: false },
		audit: { begin: (intent) => embedded().audit.begin(intent), end: (...outcome) => embedded().audit.end(...outcome) },
		coordination: openEmbeddedCoordination(),
		clock,
		jobs: () => embedded().jobs,
	});
	return { held, keeper };
}
