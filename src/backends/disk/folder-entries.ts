import { type Dirent, opendirSync } from "node:fs";

/** Read in pieces of so many: a folder may hold millions, and `readdir` would sort them all in memory. */
const AT_ONCE = 1024;

/** What lies in a folder, in no order. What comes or goes meanwhile may be given or not. */
export function* entriesIn(path: string): Generator<Dirent> {
	const folder = opendirSync(path, { bufferSize: AT_ONCE });
	try {
		for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) yield entry;
	} finally {
		folder.closeSync();
	}
}
