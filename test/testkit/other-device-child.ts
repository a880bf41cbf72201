/**
 * Tries to quarantine entries of which one folder lies on another device than the root, where that may be mounted.
 *
 * Usage: other-device-child.ts ROOT, with a file system mounted at ROOT/us_stocks. Writes what came of it as JSON.
 */
import { openFileQuarantine } from "../../src/backends/file/file-quarantine.js";
import { filesBelow, PLACE, refsOf, write, writeEntry } from "./disk-refs.js";

const [root = ""] = process.argv.slice(2);
const quarantine = openFileQuarantine({ roots: [{ name: PLACE, path: root }] });
writeEntry(root, "AAPL");
write(root, "china_stocks/000858_stock_data_000000000001.csv", "value\n");
const survey = await quarantine.survey();
const outcomes = await quarantine.hold("j1", refsOf(root, "metadata"), { signal: new AbortController().signal, resumed: false });
process.stdout.write(JSON.stringify({ survey, outcomes, left: filesBelow(root).filter((path) => !path.startsWith(".cachewarden-")) }));
await quarantine.close();
