import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { parse } from "yaml";
import {
	ModelCapabilityDocument,
	ModelConfigDocument,
	type ModelConfigQuery,
	UpdateModelConfigDocument,
	type UpdateModelConfigInput,
} from "../../client/generated/graphql.js";
import type { CliContext } from "../context.js";
import { EXIT, type ExitCode, UsageError } from "../exit.js";
import { printable } from "../format.js";
import { addConnection, addExamples, type CommonOptions, option } from "../options.js";
import { withSession } from "../session.js";
import { formatTable } from "../table.js";
import type { Terminal } from "../terminal.js";

interface ModelsOptions extends CommonOptions {
	readonly apply?: string;
	readonly model?: string;
}

export function modelsCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program
		.command("models")
		.description(t("cli.models.about"))
		.addOption(option("--model <name>", t("cli.models.model")))
		.addOption(option("--apply <file>", t("cli.models.apply")).conflicts("model"));
	addConnection(command, terminal);
	addExamples(command, terminal, [
		["models", "cli.models.example"],
		["models --apply models.yaml", "cli.models.exampleApply"],
	]);
	command.action(async (options: ModelsOptions) => {
		if (options.apply !== undefined) done(await apply(context, options, options.apply));
		else if (options.model !== undefined) done(await showOne(context, options, options.model));
		else done(await showAll(context, options));
	});
}

async function showAll(context: CliContext, options: ModelsOptions): Promise<ExitCode> {
	const { modelConfig } = await withSession(context, options, (session) => session.execute(ModelConfigDocument, {}));
	if (!modelConfig) throw new Error("the server answered without a configuration");
	if (options.json) context.terminal.printJson(modelConfig);
	else printConfig(context.terminal, modelConfig);
	return EXIT.done;
}

async function showOne(context: CliContext, options: ModelsOptions, model: string): Promise<ExitCode> {
	const { terminal } = context;
	const { modelCapability } = await withSession(context, options, (session) => session.execute(ModelCapabilityDocument, { model }));
	if (options.json) terminal.printJson(modelCapability ?? null);
	else if (modelCapability) terminal.print(modelTable(terminal, [modelCapability]));
	else terminal.note(terminal.t("cli.models.unknown", { name: printable(model) }));
	return modelCapability ? EXIT.done : EXIT.failed;
}

async function apply(context: CliContext, options: ModelsOptions, path: string): Promise<ExitCode> {
	const { terminal } = context;
	const { t } = terminal;
	const input = await readInput(resolve(context.cwd, path));
	const { updateModelConfig: change } = await withSession(context, options, (session) =>
		session.execute(UpdateModelConfigDocument, { input }),
	);
	if (options.json) terminal.printJson(change);
	else {
		for (const step of change.steps)
			terminal.print(`  ${step.name}  ${t(`cli.status.${step.status}`)}${step.error ? `  ${printable(step.error)}` : ""}`);
		terminal.print(t(`cli.models.status.${change.status}`));
		if (change.error) terminal.print(`${change.error.code}: ${printable(change.error.message)}`);
		printConfig(terminal, change.config);
	}
	return change.status === "APPLIED" ? EXIT.done : EXIT.failed;
}

/** What is wrong inside is the server's to say. */
async function readInput(path: string): Promise<UpdateModelConfigInput> {
	const text = await readFile(path, "utf8");
	let value: unknown;
	try {
		value = parse(text);
	} catch {
		value = null;
	}
	const { expectedVersion, models } = (typeof value === "object" && value !== null ? value : {}) as Partial<UpdateModelConfigInput>;
	if (typeof expectedVersion !== "number" || !Array.isArray(models)) throw new UsageError("cli.models.badFile", { path });
	return { expectedVersion, models };
}

function printConfig(terminal: Terminal, { version, updatedAt, updatedBy, models }: NonNullable<ModelConfigQuery["modelConfig"]>): void {
	terminal.print(terminal.t("cli.models.version", { version, at: updatedAt, user: printable(updatedBy) }));
	if (models.length > 0) terminal.print(modelTable(terminal, models));
}

function modelTable(terminal: Terminal, models: NonNullable<ModelConfigQuery["modelConfig"]>["models"]): string {
	const { t } = terminal;
	return formatTable(
		terminal,
		[
			{ title: t("cli.column.model") },
			{ title: t("cli.column.provider") },
			{ title: t("cli.column.level"), align: "right" },
			{ title: t("cli.column.enabled") },
			{ title: t("cli.column.roles") },
		],
		models.map((model) => [
			printable(model.name),
			printable(model.provider),
			String(model.capabilityLevel),
			t(model.enabled ? "cli.yes" : "cli.no"),
			printable(model.roles.join(", ")),
		]),
	);
}
