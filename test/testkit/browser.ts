/** A real browser: the one named in TEST_CHROMIUM, one on PATH, or the one that an npm package carries. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

function installed(): string | undefined {
	const { TEST_CHROMIUM, PATH = "" } = process.env;
	if (TEST_CHROMIUM) return TEST_CHROMIUM;
	return PATH.split(delimiter)
		.flatMap((folder) => NAMES.map((name) => join(folder, name)))
		.find((path) => existsSync(path));
}

export async function launchBrowser(): Promise<Browser> {
	const executablePath = installed() ?? (await carried());
	// As root there is no sandbox. Nothing else is switched off: policies of the page are under test too.
	return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

async function carried(): Promise<string> {
	const { default: packed } = await import("@sparticuz/chromium");
	return packed.executablePath();
}
