/**
 * Changes the model configuration in a process of its own, to be killed where it stops: says `{"at"}` there, or `{"ended"}`.
 *
 * Arguments: data folder, cache folder, the point to stop at, `failing` for a layer that does not pass its test.
 */
import { openConfigChange } from "./config-change.js";
import { say } from "./say.js";

const [dataDir = "", root = "", stopAt = "", failing = ""] = process.argv.slice(2);

const { jobs, change } = await openConfigChange({
	dataDir,
	root,
	failing: failing === "failing",
	async at(point) {
		if (point !== stopAt) return;
		say({ at: point });
		await new Promise(() => setInterval(() => undefined, 1 << 30));
	},
});
const { id } = await change();
await jobs.start();
say({ ended: (await jobs.waitForEnd(id, 60_000)).status });
process.exit(0);
