import type { Command } from "commander";
import { DeleteEntriesDocument, type DeleteEntriesMutation, JobsDocument } from "../../client/generated/graphql.js";
import type { Session } from "../../client/session.js";
import { hasEnded } from "../../core/job.js";
import type { CliContext } from "../context.js";
import type { ExitCode } from "../exit.js";
import { exitOfJob, type JobReport, superviseJob } from "../follow-job.js";
import { formatBytes, formatCount, printable } from "../format.js";
import { printJob } from "../job-report.js";
import { addConnection, addExamples, type CommonOptions } from "../options.js";
import { withSession } from "../session.js";
import type { Terminal } from "../terminal.js";

type Deletion = DeleteEntriesMutation["deleteEntries"];

export function deleteCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program.command("delete").description(t("cli.delete.about")).argument("<id...>", t("cli.delete.ids"));
	addConnection(command, terminal);
	addExamples(command, terminal, [
		["delete e0123456789abcdef0123", "cli.delete.example"],
		["details --symbol AAPL --json | jq -r '.nodes[].id' | xargs cachewarden delete", "cli.delete.exampleMany"],
	]);
	command.action(async (ids: string[], options: CommonOptions) => {
		await withSession(context, options, async (session) => {
			let answer: Deletion | null = null;
			const { job, interrupted } = await superviseJob(context, session, {
				start: async () => {
					answer = (await session.execute(DeleteEntriesDocument, { ids })).deleteEntries;
					return answer.job.id;
				},
				find: () => findDeletion(session, ids),
			});
			report(terminal, answer, job, options.json === true);
			done(exitOfJob(job.status, interrupted));
		});
	});
}

/** The deletion of these entries that runs just now. */
async function findDeletion(session: Session, ids: readonly string[]): Promise<string | null> {
	const { jobs } = await session.execute(JobsDocument, { first: 20, filter: { kinds: ["DELETE"], statuses: ["QUEUED", "RUNNING"] } });
	const wanted = JSON.stringify([...new Set(ids)]);
	return jobs?.nodes.find((job) => JSON.stringify(job.input.ids) === wanted)?.id ?? null;
}

/** One that took so long that the answer came before its end is told as a job. */
function report(terminal: Terminal, answer: Deletion | null, job: JobReport, json: boolean): void {
	const { t, print, printJson } = terminal;
	if (answer === null || !hasEnded(answer.job.status)) {
		if (json) printJson({ job, deletedIds: null, freedBytes: job.progress.freedBytes, errors: job.failures.nodes });
		else printJob(terminal, job);
		return;
	}
	const { deletedIds, freedBytes, errors } = answer;
	if (json) {
		printJson(answer);
		return;
	}
	print(t("cli.delete.done", { count: formatCount(deletedIds.length), bytes: formatBytes(freedBytes) }));
	for (const error of errors) print(`  ${error.id}  ${error.code}  ${printable(error.message)}`);
	if (job.error) print(`${job.error.code}: ${printable(job.error.message)}`);
}
