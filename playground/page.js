/**
 * The playground's own part: takes the token out of the address, offers the examples, and shows GraphiQL. Everything it loads
 * comes from this server.
 */
import { createRoot, React, Ruru } from "./static/ruru.js";

const TOKEN_KEY = "cachewarden:token";
const TOKEN_MARK = "{{token}}";
const DAY_MS = 86_400_000;

const { examples, texts, introspection } = JSON.parse(document.getElementById("config").textContent);
const language = navigator.language.startsWith("zh") ? "zh" : "en";
const t = texts[language];

globalThis.MonacoEnvironment = {
	getWorker(_, label) {
		const file = { json: "jsonWorker.js", graphql: "graphqlWorker.js" }[label] ?? "editorWorker.js";
		return new Worker(new URL(`./static/${file}`, import.meta.url), { type: "module" });
	},
};

/** The fragment of an address is never sent to a server, and this one leaves the address bar before anything else happens. */
function takeToken() {
	const token = new URLSearchParams(location.hash.slice(1)).get("token");
	if (token === null) return { token: sessionStorage.getItem(TOKEN_KEY), arrived: false };
	history.replaceState(null, "", location.pathname + location.search);
	sessionStorage.setItem(TOKEN_KEY, token);
	return { token, arrived: true };
}

const { token, arrived } = takeToken();
keepOutOfStorage(token);
const headers = token === null ? undefined : JSON.stringify({ Authorization: `Bearer ${token}` }, null, 2);
const root = createRoot(document.getElementById("ruru-root"));
let schema;
let shown = 0;

/**
 * GraphiQL keeps what was run, with its headers, in the browser's storage for good. In place of the token a mark is stored there,
 * and whoever reads it back gets the token of now.
 */
function keepOutOfStorage(secret) {
	if (secret === null) return;
	const { getItem, setItem } = Storage.prototype;
	Storage.prototype.setItem = function (name, value) {
		setItem.call(this, name, this === localStorage ? String(value).replaceAll(secret, TOKEN_MARK) : value);
	};
	Storage.prototype.getItem = function (name) {
		const value = getItem.call(this, name);
		return this === localStorage && value !== null ? value.replaceAll(TOKEN_MARK, secret) : value;
	};
}

function queryOf({ title, query }) {
	return `# ${title[language]}\n${query}\n`;
}

function variablesOf({ variables }) {
	if (!variables) return undefined;
	return JSON.stringify(variables, null, 2).replace("$YESTERDAY", new Date(Date.now() - DAY_MS).toISOString());
}

/** GraphiQL opens the example in a tab of its own, or goes to the tab that holds it already. */
function show(example) {
	const opened = example && { initialQuery: queryOf(example), initialVariables: variablesOf(example) };
	shown += 1;
	root.render(
		React.createElement(Ruru, {
			key: shown,
			endpoint: "/graphql",
			subscriptionEndpoint: "/graphql",
			schema,
			defaultTabs: [{ query: queryOf(examples[0]), headers }],
			defaultQuery: "",
			defaultHeaders: headers,
			initialHeaders: headers,
			// The token must not outlive this window.
			showPersistHeadersSettings: false,
			...opened,
		}),
	);
}

function fillBar() {
	document.documentElement.lang = language;
	document.getElementById("examples-label").textContent = t.examples;
	const select = document.getElementById("examples");
	select.append(new Option(t.choose, ""));
	for (const kind of ["query", "mutation", "subscription"]) {
		const group = document.createElement("optgroup");
		group.label = t[kind];
		for (const [index, example] of examples.entries())
			if (example.kind === kind) group.append(new Option(example.title[language], String(index)));
		select.append(group);
	}
	select.addEventListener("change", () => {
		if (select.value !== "") show(examples[Number(select.value)]);
		select.value = "";
	});
}

function tellWho(viewer) {
	const who = document.getElementById("who");
	who.classList.toggle("missing", viewer === null);
	if (viewer === null) {
		who.textContent = token === null ? t.noToken : t.badToken;
		return;
	}
	const until = viewer.tokenExpiresAt === null ? "" : ` · ${t.until} ${new Date(viewer.tokenExpiresAt).toLocaleString(language)}`;
	who.textContent = `${viewer.username} · ${viewer.roles.join(", ")}${until}`;
}

/** The data of an answer, null when there is none. */
async function ask(query) {
	if (token === null) return null;
	const response = await fetch("/graphql", {
		method: "POST",
		headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
		body: JSON.stringify({ query }),
	});
	return (await response.json()).data ?? null;
}

/** Who comes by the printed link sees the numbers without having to find the button. */
function runOnceReady() {
	const observer = new MutationObserver(() => {
		const button = document.querySelector(".graphiql-execute-button");
		if (!button || button.disabled || !document.querySelector(".graphiql-query-editor .view-line")) return;
		observer.disconnect();
		button.click();
	});
	observer.observe(document.body, { childList: true, subtree: true, attributes: true });
}

fillBar();
// GraphiQL would ask for the schema before it has put the token among the headers.
const [answer, types] = await Promise.all([ask("{ viewer { username roles tokenExpiresAt } }"), ask(introspection)]);
schema = types ?? undefined;
show(arrived ? examples[0] : undefined);
if (arrived) runOnceReady();
tellWho(answer?.viewer ?? null);
