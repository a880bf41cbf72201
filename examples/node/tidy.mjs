/**
 * Shows statistics, previews a cleanup, executes exactly that plan, watches it, and then follows the audit log until Ctrl-C.
 *
 *   CACHEWARDEN_TOKEN=$(npx cachewarden token --user me --role ADMIN) node examples/node/tidy.mjs http://127.0.0.1:4000 7
 */
import {
	AuditLogAddedDocument,
	CleanupDocument,
	createClient,
	JobProgressDocument,
	PreviewDocument,
	StatsDocument,
} from "cachewarden/client";
import { WebSocket } from "ws";

const [url = "http://127.0.0.1:4000", days = "7"] = process.argv.slice(2);
const client = createClient({ url, token: process.env.CACHEWARDEN_TOKEN ?? null, webSocket: WebSocket });
const leaving = new AbortController();
process.once("SIGINT", () => leaving.abort());

// Begun before anything is done, so that nothing of it is missed.
const audit = client.subscribe(
	AuditLogAddedDocument,
	{},
	{ signal: leaving.signal, onBreak: (error, pauseMs) => console.log(`broken (${error.message}), again in ${Math.round(pauseMs)} ms`) },
);
const firstEntry = audit.next();

const { cacheStats } = await client.execute(StatsDocument, { fresh: true });
console.log(`${cacheStats.totalEntries} entries, ${cacheStats.totalBytes} bytes`);

const { cleanupPreview: plan } = await client.execute(PreviewDocument, { input: { olderThanDays: Number(days) } });
console.log(`${plan.entries} of them, ${plan.bytes} bytes, are older than ${days} days`);

const { cleanup } = await client.execute(CleanupDocument, { input: { planId: plan.planId } });
for await (const { jobProgress: state } of client.subscribe(JobProgressDocument, { jobId: cleanup.job.id }, { signal: leaving.signal }))
	console.log(`${state.status} ${Math.floor(state.percent ?? 0)} % ${state.deletedEntries} deleted`);

for (let item = await firstEntry; !item.done; item = await audit.next()) {
	const { sequence, username, action, success } = item.value.auditLogAdded.node;
	console.log(`audit ${sequence} ${username} ${action} ${success ? "done" : "failed"}`);
}
await client.close();
