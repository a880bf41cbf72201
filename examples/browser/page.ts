/**
 * A page on a cachewarden server of another origin, which has to be told of it (`CORS_ORIGINS`). Bundle it with any bundler:
 *
 *   npx esbuild examples/browser/page.ts --bundle --format=esm --outfile=page.js
 */
import {
	AuditLogAddedDocument,
	type CachewardenClient,
	CleanupDocument,
	createClient,
	JobProgressDocument,
	PreviewDocument,
	StatsChangedDocument,
	StatsDocument,
	type StatsFieldsFragment,
} from "cachewarden/client";

const signIn = element("sign-in", HTMLFormElement);
const cleanup = element("cleanup", HTMLFormElement);
const execute = cleanup.elements.namedItem("execute") as HTMLButtonElement;
let client: CachewardenClient | null = null;
let planId: string | null = null;

signIn.addEventListener("submit", async (event) => {
	event.preventDefault();
	await client?.close();
	const connected = createClient({ url: String(new FormData(signIn).get("url")), token: askForToken() });
	client = connected;
	element("audit").replaceChildren();
	await Promise.all([showStats(connected), followAudit(connected)]).catch(complain);
});

cleanup.addEventListener("submit", async (event) => {
	event.preventDefault();
	if (client !== null) await preview(client).catch(complain);
});

execute.addEventListener("click", async () => {
	if (client !== null) await executePlan(client).catch(complain);
});

/** The token that was typed; when the server no longer takes it, the one that is typed next. */
function askForToken(): () => Promise<string> {
	let given = String(new FormData(signIn).get("token"));
	return async () => {
		const token = given;
		given = "";
		if (token !== "") return token;
		say("connection", "signed out: give a new token");
		const field = signIn.elements.namedItem("token") as HTMLInputElement;
		field.value = "";
		return new Promise((resolve) => field.addEventListener("change", () => resolve(field.value), { once: true }));
	};
}

async function showStats(connected: CachewardenClient): Promise<void> {
	const show = (stats: StatsFieldsFragment): void => say("stats", `${stats.totalEntries} entries, ${stats.totalBytes} bytes`);
	const { cacheStats } = await connected.execute(StatsDocument, { fresh: true });
	if (cacheStats) show(cacheStats);
	for await (const { cacheStatsChanged } of connected.subscribe(StatsChangedDocument)) show(cacheStatsChanged);
}

async function followAudit(connected: CachewardenClient): Promise<void> {
	const entries = connected.subscribe(
		AuditLogAddedDocument,
		{},
		{ onBreak: (error) => say("connection", `reconnecting: ${error.message}`) },
	);
	say("connection", "connected");
	for await (const { auditLogAdded } of entries) {
		const { sequence, username, action, success } = auditLogAdded.node;
		say("connection", "connected");
		const line = document.createElement("li");
		line.textContent = `${sequence} ${username} ${action} ${success ? "done" : "failed"}`;
		element("audit").prepend(line);
	}
}

async function preview(connected: CachewardenClient): Promise<void> {
	const days = Number(new FormData(cleanup).get("days"));
	const { cleanupPreview } = await connected.execute(PreviewDocument, { input: { olderThanDays: days } });
	planId = cleanupPreview?.planId ?? null;
	execute.disabled = planId === null;
	say("plan", `${cleanupPreview?.entries} entries, ${cleanupPreview?.bytes} bytes would be removed`);
}

async function executePlan(connected: CachewardenClient): Promise<void> {
	execute.disabled = true;
	const { cleanup: accepted } = await connected.execute(CleanupDocument, { input: { planId } });
	for await (const { jobProgress } of connected.subscribe(JobProgressDocument, { jobId: accepted.job.id })) {
		element("progress", HTMLProgressElement).value = jobProgress.percent ?? 0;
		say("state", `${jobProgress.status}: ${jobProgress.deletedEntries} deleted`);
	}
}

function complain(error: unknown): void {
	say("connection", error instanceof Error ? error.message : String(error));
}

function say(id: string, text: string): void {
	element(id).textContent = text;
}

function element<T extends HTMLElement>(id: string, type: new () => T = HTMLElement as new () => T): T {
	const found = document.getElementById(id);
	if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
	return found;
}
