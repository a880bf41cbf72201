import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { blocksOf } from "../../scripts/doc-blocks.js";
import { callCommand } from "../testkit/cli.js";

const TOP = fileURLToPath(new URL("../../", import.meta.url));
const PAGES = readdirSync(join(TOP, "docs")).filter((name) => name.endsWith(".md"));

function blocks(name: string) {
	return blocksOf(readFileSync(join(TOP, "docs", name), "utf8"));
}

async function helpOf(words: readonly string[]): Promise<string> {
	return (await callCommand([...words, "--help"])).out;
}

/** Every command, with those inside others. */
async function commands(words: readonly string[] = []): Promise<string[]> {
	const [, listed = ""] = /^Commands:\n((?: .*\n)+)/m.exec(await helpOf(words)) ?? [];
	const names = [...listed.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name = ""]) => name).filter((name) => name !== "help");
	const inner = await Promise.all(names.map((name) => commands([...words, name])));
	return names.flatMap((name, i) => [[...words, name].join(" "), ...(inner[i] ?? [])]);
}

describe("the pages in docs/", () => {
	it.each(PAGES)("%s shows files as they are, and helps as the program gives them (npm run docs)", async (name) => {
		for (const block of blocks(name)) {
			const words = block.name === "cachewarden" ? [] : block.name.split(" ");
			expect(block.text).toBe(block.kind === "file" ? readFileSync(join(TOP, block.name), "utf8") : await helpOf(words));
		}
	});

	it("show the help of every command", async () => {
		const shown = blocks("cli.md").map((block) => block.name);
		expect(shown.sort()).toEqual(["cachewarden", ...(await commands())].sort());
		expect(shown.length).toBeGreaterThan(12);
	});

	it("show the clients that are tested", () => {
		expect(blocks("client.md").map((block) => block.name)).toEqual([
			"examples/node/tidy.mjs",
			"examples/apollo/client.ts",
			"examples/apollo/plain.ts",
			"examples/urql/client.ts",
			"examples/urql/plain.ts",
		]);
	});
});
