/**
 * Quarantines all of a root as the superuser, then gives up its rights and restores; folders may be changed by all, files by their owner.
 *
 * Usage: other-user-child.ts ROOT UID KEY. Something new is put in the place of KEY in between. Writes what came of it as JSON.
 */
import { chmodSync, linkSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { openFileQuarantine } from "../../src/backends/file/file-quarantine.js";
import { PLACE, refsOf, write } from "./disk-refs.js";

const [root = "", uid = "65534", key = ""] = process.argv.slice(2);
const options = { signal: new AbortController().signal, resumed: false };
process.umask(0);
const quarantine = openFileQuarantine({ roots: [{ name: PLACE, path: root }] });
chmodSync(join(root, ".."), 0o777);
await quarantine.hold("j1", refsOf(root, "metadata"), options);
for (const folder of [".", "us_stocks", "metadata"]) chmodSync(join(root, folder), 0o777);
const held = join(root, ".cachewarden-quarantine/j1/entries/us_stocks");
for (const name of readdirSync(held)) chmodSync(join(held, name), 0o644);
write(root, `us_stocks/${key}.csv`, "new\n");

process.setgroups?.([]);
process.setgid?.(Number(uid));
process.setuid?.(Number(uid));
let linked = "yes";
try {
	linkSync(join(held, readdirSync(held)[0] as string), join(root, "linked"));
} catch (error) {
	linked = (error as NodeJS.ErrnoException).code ?? "?";
}
const outcomes = [];
for (const list of await quarantine.lists()) outcomes.push(...(await quarantine.restore(list, await quarantine.read(list), options)));
process.stdout.write(JSON.stringify({ linked, outcomes }));
await quarantine.close();
