import type { Command } from "commander";
import { type BackendKind, StatsDocument, type StatsQuery } from "../../client/generated/graphql.js";
import { type Session, SessionError } from "../../client/session.js";
import type { CliContext } from "../context.js";
import { EXIT, type ExitCode } from "../exit.js";
import { formatAge, formatBytes, formatCount, formatPercent, formatSeconds, formatTime, printable } from "../format.js";
import { noteMissingLayer, noteUnavailable } from "../layers.js";
import { addConnection, addExamples, addLayer, backendsOf, type CommonOptions, type SelectionOptions } from "../options.js";
import { withSession } from "../session.js";
import { type Column, formatTable } from "../table.js";
import type { Terminal } from "../terminal.js";

type Stats = NonNullable<StatsQuery["cacheStats"]>;
type StatsOptions = CommonOptions & Pick<SelectionOptions, "type">;

export function statsCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const command = program.command("stats").description(terminal.t("cli.stats.about"));
	addLayer(addConnection(command, terminal), terminal);
	addExamples(command, terminal, [
		["stats", "cli.stats.example"],
		["stats --type file --json | jq .totalBytes", "cli.stats.exampleJson"],
	]);
	command.action(async (options: StatsOptions) => {
		await withSession(context, options, async (session) => {
			await noteMissingLayer(context, session, options);
			await showStats(context, session, options);
		});
		done(EXIT.done);
	});
}

/** Statistics as they are now: whatever changed before the call is in them. */
export async function showStats(context: CliContext, session: Session, options: StatsOptions): Promise<void> {
	const { terminal } = context;
	const backends: BackendKind[] | null = backendsOf(options);
	const { cacheStats } = await session.execute(StatsDocument, { backends, fresh: true }).catch(async (error: unknown) => {
		if (error instanceof SessionError && error.code === "CACHE_STATS_FAILED") await noteUnavailable(context, session, options);
		throw error;
	});
	if (!cacheStats) throw new Error("the server answered without statistics");
	if (options.json) terminal.printJson(cacheStats);
	else printStats(terminal, cacheStats);
}

function printStats(terminal: Terminal, stats: Stats): void {
	const { t, print, locale, colors } = terminal;
	const now = Date.now();
	const quota = stats.maxBytes ? t("cli.stats.quota", { usage: formatPercent(stats.usage ?? 0), max: formatBytes(stats.maxBytes) }) : "";
	print(t("cli.stats.total", { entries: formatCount(stats.totalEntries), bytes: formatBytes(stats.totalBytes) }) + quota);
	print(t("cli.stats.expired", { entries: formatCount(stats.expiredEntries), time: formatTime(stats.asOf) }));
	const { quarantine } = stats;
	if (quarantine.entries > 0)
		print(t("cli.stats.quarantine", { entries: formatCount(quarantine.entries), bytes: formatBytes(quarantine.bytes) }));
	const entries: Column = { title: t("cli.column.entries"), align: "right" };
	const bytes: Column = { title: t("cli.column.bytes"), align: "right" };
	const age = (time: string | null | undefined): string => (time ? formatAge(Date.parse(time), now, locale) : "–");
	const tables = [
		formatTable(
			terminal,
			[
				{ title: t("cli.column.layer") },
				entries,
				bytes,
				{ title: t("cli.column.oldest"), align: "right" },
				{ title: t("cli.column.newest"), align: "right" },
				{ title: "" },
			],
			stats.byBackend.map((layer) => [
				t(`cli.layer.${layer.backend}`),
				formatCount(layer.entries),
				formatBytes(layer.bytes),
				age(layer.oldestEntryAt),
				age(layer.newestEntryAt),
				layer.available ? printable(layer.error ?? "") : colors.red(printable(layer.error ?? t("cli.stats.unavailable"))),
			]),
		),
		formatTable(
			terminal,
			[{ title: t("cli.column.type") }, entries, bytes],
			stats.byType.map((type) => [printable(type.type), formatCount(type.entries), formatBytes(type.bytes)]),
		),
		formatTable(
			terminal,
			[{ title: t("cli.column.age") }, entries, bytes],
			stats.byAge.map((bucket) => [
				bucket.maxAgeSeconds ? t("cli.stats.under", { age: formatSeconds(bucket.maxAgeSeconds, locale) }) : t("cli.stats.older"),
				formatCount(bucket.entries),
				formatBytes(bucket.bytes),
			]),
		),
	];
	for (const table of tables) print(`\n${table}`);
}
