import { getIntrospectionQuery } from "graphql";
import { ruruHTML } from "ruru/server";
import { type Locale, type MessageKey, say } from "../../core/messages/catalogue.js";
import { EXAMPLES } from "./examples.js";

const TEXTS = ["examples", "choose", "query", "mutation", "subscription", "until", "noToken", "badToken"] as const;

function texts(locale: Locale): Record<(typeof TEXTS)[number], string> {
	const said = TEXTS.map((name) => [name, say(locale, { key: `http.playground.${name}` satisfies MessageKey, facts: {} })]);
	return Object.fromEntries(said) as Record<(typeof TEXTS)[number], string>;
}

/**
 * GraphiQL (ruru) under a bar of our own. Every script is a file, so that the page's policy need not let inline ones run; what
 * the scripts are told lies in the page as data.
 */
export function playgroundPage(staticPath: string): string {
	const config = JSON.stringify({
		examples: EXAMPLES,
		introspection: getIntrospectionQuery(),
		texts: { en: texts("en"), zh: texts("zh") },
	});
	return ruruHTML({
		staticPath,
		endpoint: "/graphql",
		htmlParts: {
			titleTag: "<title>cachewarden playground</title>",
			styleTags: `<link rel="stylesheet" href="${staticPath}ruru.css" /><link rel="stylesheet" href="/playground/page.css" />`,
			configScript: `<script type="application/json" id="config">${config.replaceAll("<", "\\u003c")}</script>`,
			headerScripts: "",
			bodyContent: `<header id="bar"><b>cachewarden</b><label><span id="examples-label"></span><select id="examples"></select></label><span id="who" role="status"></span></header><div id="ruru-root"></div>`,
			bodyScripts: "",
			bodyInitScript: `<script type="module" src="/playground/page.js"></script>`,
		},
	});
}
