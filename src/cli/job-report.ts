import { hasEnded } from "../core/job.js";
import type { JobReport } from "./follow-job.js";
import { formatBytes, formatCount, formatDuration, printable } from "./format.js";
import { formatTable } from "./table.js";
import type { Terminal } from "./terminal.js";

const MAX_FAILURES = 20;

/** What a job has come to, for people: a line of its own, its layers, what could not be removed. */
export function printJob(terminal: Terminal, job: JobReport): void {
	const { t, colors, locale, print } = terminal;
	const { progress } = job;
	const paint = job.status === "SUCCEEDED" ? colors.green : hasEnded(job.status) ? colors.red : colors.yellow;
	const took = job.startedAt && job.finishedAt ? Date.parse(job.finishedAt) - Date.parse(job.startedAt) : null;
	const lasted = took === null ? "" : `  ${formatDuration(took, locale)}`;
	print(`${t(`cli.kind.${job.kind}`)} ${job.id}  ${paint(t(`cli.status.${job.status}`))}${lasted}`);
	if (job.error) print(`${job.error.code}: ${printable(job.error.message)}`);
	const left = { skipped: formatCount(progress.skippedEntries), failed: formatCount(progress.failedEntries) };
	if (isLoad(job))
		print(
			t(job.kind === "RESTORE" ? "cli.job.restored" : "cli.job.loaded", {
				loaded: formatCount(progress.loadedEntries),
				bytes: formatBytes(progress.loadedBytes),
				...left,
			}),
		);
	else print(t("cli.job.totals", { deleted: formatCount(progress.deletedEntries), bytes: formatBytes(progress.freedBytes), ...left }));
	if (progress.byBackend.length > 0) print(`\n${layerTable(terminal, job)}`);
	for (const step of progress.steps)
		print(`  ${step.name}  ${t(`cli.status.${step.status}`)}${step.error ? `  ${printable(step.error)}` : ""}`);
	if (job.input.quarantine === true && progress.deletedEntries > 0) print(t("cli.job.quarantined", { id: job.id }));
	printFailures(terminal, job);
}

function isLoad({ kind }: JobReport): boolean {
	return kind === "REFRESH" || kind === "WARM_UP" || kind === "RESTORE";
}

function layerTable(terminal: Terminal, job: JobReport): string {
	const { t } = terminal;
	const loads = isLoad(job);
	return formatTable(
		terminal,
		[
			{ title: t("cli.column.layer") },
			{ title: t("cli.column.status") },
			{ title: t("cli.column.matched"), align: "right" },
			...(loads
				? [{ title: t("cli.column.loaded"), align: "right" } as const]
				: [{ title: t("cli.column.deleted"), align: "right" } as const, { title: t("cli.column.freed"), align: "right" } as const]),
			{ title: "" },
		],
		job.progress.byBackend.map((layer) => [
			t(`cli.layer.${layer.backend}`),
			t(`cli.status.${layer.status}`),
			layer.total === null || layer.total === undefined ? "…" : formatCount(layer.total),
			...(loads ? [formatCount(layer.loadedEntries)] : [formatCount(layer.deletedEntries), formatBytes(layer.freedBytes)]),
			printable(layer.error ?? ""),
		]),
	);
}

function printFailures({ t, print }: Terminal, { failures, id }: JobReport): void {
	if (failures.totalCount === 0) return;
	print(`\n${t("cli.job.failures", { count: formatCount(failures.totalCount) })}`);
	for (const failure of failures.nodes.slice(0, MAX_FAILURES)) print(`  ${failure.id}  ${failure.code}  ${printable(failure.message)}`);
	if (failures.totalCount > MAX_FAILURES)
		print(`  ${t("cli.job.moreFailures", { count: formatCount(failures.totalCount - MAX_FAILURES), id })}`);
}
