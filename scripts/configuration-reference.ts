/** docs/configuration.md, made of the schema that checks the settings. `npm run configuration` writes it anew. */
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { listSettings } from "../src/config/schema.js";
import { say } from "../src/core/messages/catalogue.js";

export const REFERENCE = new URL("../docs/configuration.md", import.meta.url);

function cell(text: string): string {
	return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function defaultOf(value: unknown): string {
	return value === null ? "–" : `\`${cell(JSON.stringify(value))}\``;
}

export function configurationReference(): string {
	const rows = listSettings().map(({ path, facts }) => {
		const { env, doc, expected } = facts;
		const name = `\`${path}\`${env === undefined ? "" : `<br>\`${env}\``}`;
		return `| ${name} | ${cell(doc.en)}<br>${cell(doc.zh)} | ${cell(say("en", expected))} | ${defaultOf(facts.default)} |`;
	});
	return [
		"# Configuration 配置",
		"",
		"Made from the schema by `npm run configuration`; a test keeps it true. Environment over `cachewarden.yaml` (or `CONFIG_FILE`) over",
		"defaults. Loaders, sources and models: [workflows](workflows.md).",
		"",
		"| setting, variable | meaning | must be | default |",
		"| --- | --- | --- | --- |",
		...rows,
		"",
	].join("\n");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) writeFileSync(REFERENCE, configurationReference());
