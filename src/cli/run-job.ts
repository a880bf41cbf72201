import type { Session } from "../client/session.js";
import type { CliContext } from "./context.js";
import type { ExitCode } from "./exit.js";
import { exitOfJob, superviseJob } from "./follow-job.js";
import { printJob } from "./job-report.js";
import type { CommonOptions } from "./options.js";
import { drawProgress } from "./progress-bars.js";

/** Starts a job, follows it to its end with a bar for each layer, and reports. */
export async function runJob(
	context: CliContext,
	session: Session,
	options: CommonOptions,
	start: () => Promise<string>,
): Promise<ExitCode> {
	const { terminal } = context;
	const bars = drawProgress(terminal);
	try {
		const { job, interrupted } = await superviseJob(context, session, { start, onState: (state) => bars.show(state) });
		bars.stop();
		if (options.json) terminal.printJson(job);
		else printJob(terminal, job);
		return exitOfJob(job.status, interrupted);
	} finally {
		bars.stop();
	}
}
