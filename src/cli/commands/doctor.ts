import type { Command } from "commander";
import type { Config } from "../../config/config.js";
import { ConfigError, type ConfigFault, faultText } from "../../config/faults.js";
import { loadConfig } from "../../config/load.js";
import { redactConfig } from "../../config/redact.js";
import type { CliContext } from "../context.js";
import { checkAudit } from "../doctor/audit.js";
import type { Check } from "../doctor/check.js";
import { checkConfiguration, checkNode, checkTimeZone } from "../doctor/configuration.js";
import { checkDataDir, checkRoots } from "../doctor/folders.js";
import { checkMongodb } from "../doctor/mongodb.js";
import { checkRedis } from "../doctor/redis.js";
import { checkServer } from "../doctor/server.js";
import { checkStore } from "../doctor/store.js";
import { checkPort, checkSpace, checkWatches } from "../doctor/system.js";
import { EXIT, type ExitCode } from "../exit.js";
import { printable } from "../format.js";
import { addConnection, addExamples, type CommonOptions } from "../options.js";
import type { Terminal } from "../terminal.js";

export function doctorCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const command = program.command("doctor").description(terminal.t("cli.doctor.about"));
	addConnection(command, terminal);
	addExamples(command, terminal, [
		["doctor", "cli.doctor.example"],
		["doctor --url https://cache.example.org", "cli.doctor.exampleUrl"],
	]);
	command.action(async (options: CommonOptions) => {
		const { config, faults, checks } = await findings(context, options);
		const healthy = faults.length === 0 && checks.every((check) => check.level !== "fault");
		if (options.json) printReport(terminal, config, faults, checks, healthy);
		else printFindings(terminal, faults, checks, healthy);
		done(healthy ? EXIT.done : EXIT.failed);
	});
}

/** Of the server at the address when one is given, else of this machine. */
async function findings(context: CliContext, options: CommonOptions) {
	const { url } = options;
	const node = checkNode(process.version);
	if (url !== undefined) return { config: null, faults: [], checks: [node, ...(await checkServer(context, { ...options, url }))] };
	const { config, faults } = configuration(context);
	return { config, faults, checks: [node, ...(config === null ? [] : await examine(config, context))] };
}

/** A configuration with faults is a finding like any other. */
function configuration(context: CliContext): { config: Config | null; faults: readonly ConfigFault[] } {
	try {
		return { config: loadConfig(context), faults: [] };
	} catch (error) {
		if (error instanceof ConfigError) return { config: null, faults: error.faults };
		throw error;
	}
}

async function examine(config: Config, context: CliContext): Promise<Check[]> {
	const dataDir = await checkDataDir(config);
	const checks = [
		...(await checkConfiguration(config, context)),
		checkTimeZone(config, context),
		...(await checkRoots(config)),
		...dataDir,
		await checkSpace(config),
		...(await checkWatches(config)),
		...(await checkRedis(config, context)),
		...(await checkMongodb(config, context)),
		...(await checkAudit(config, context)),
	];
	// A store in a folder that cannot be used has nothing to add.
	const usable = dataDir.every((check) => check.id !== "data-dir" || check.level === "ok");
	const store = usable ? await checkStore(config, context) : { checks: [], serverUrl: null };
	return [...checks, ...store.checks, await checkPort(config, store.serverUrl)];
}

function printFindings(terminal: Terminal, faults: readonly ConfigFault[], checks: readonly Check[], healthy: boolean): void {
	const { t, say, print, colors, locale } = terminal;
	const marks = { ok: colors.green("✔"), warning: colors.yellow("!"), fault: colors.red("✘") };
	for (const fault of faults) print(`${marks.fault} ${printable(faultText(locale, fault))}`);
	for (const { level, said, remedy } of checks) {
		print(`${marks[level]} ${printable(say(said))}`);
		if (remedy) print(`    ${t("cli.doctor.remedy", { remedy: printable(say(remedy)) })}`);
	}
	print(`\n${healthy ? colors.green(t("cli.doctor.healthy")) : colors.red(t("cli.doctor.sick"))}`);
}

function printReport(
	{ say, printJson, locale }: Terminal,
	config: Config | null,
	faults: readonly ConfigFault[],
	checks: readonly Check[],
	healthy: boolean,
): void {
	printJson({
		healthy,
		checks: [
			...faults.map((fault) => ({
				id: `config:${fault.culprit}`,
				level: "fault",
				message: faultText(locale, fault),
				remedy: say(fault.remedy),
			})),
			...checks.map(({ id, level, said, remedy }) => ({ id, level, message: say(said), remedy: remedy && say(remedy) })),
		],
		configuration: config && redactConfig(config),
	});
}
