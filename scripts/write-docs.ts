/** `npm run docs`: brings the pages' examples and helps up to date with the files and the built program. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withBlocks } from "./doc-blocks.js";

const TOP = fileURLToPath(new URL("../", import.meta.url));
const DOCS = join(TOP, "docs");

for (const name of readdirSync(DOCS).filter((file) => file.endsWith(".md"))) {
	const path = join(DOCS, name);
	const page = readFileSync(path, "utf8");
	const written = withBlocks(page, ({ kind, name: what }) => (kind === "file" ? readFileSync(join(TOP, what), "utf8") : helpOf(what)));
	if (written !== page) writeFileSync(path, written);
}

function helpOf(command: string): string {
	const words = command === "cachewarden" ? [] : command.split(" ");
	return execFileSync(process.execPath, [join(TOP, "bin", "cachewarden.js"), ...words, "--help"], {
		encoding: "utf8",
		env: { PATH: process.env.PATH ?? "", LANG: "C" },
	});
}
