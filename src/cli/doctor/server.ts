import { ViewerDocument } from "../../client/generated/graphql.js";
import { type Session, SessionError } from "../../client/session.js";
import type { CliContext } from "../context.js";
import { formatTime } from "../format.js";
import type { CommonOptions } from "../options.js";
import { serverAnswers, withSession } from "../session.js";
import { type Check, ok, wrong } from "./check.js";
import { checkBackends } from "./store.js";

/** The way to a server elsewhere: whether it answers, whom it takes the token for, and what its layers say of themselves. */
export async function checkServer(context: CliContext, options: CommonOptions & { readonly url: string }): Promise<Check[]> {
	const { url } = options;
	if (!(await serverAnswers(url))) return [wrong("fault", "server", "doctor.server.silent", "doctor.server.silentRemedy", { url })];
	return [ok("server", "doctor.server.ok", { url }), ...(await withSession(context, options, askServer))];
}

async function askServer(session: Session): Promise<Check[]> {
	try {
		const { viewer } = await session.execute(ViewerDocument, {});
		const facts = {
			user: viewer.username,
			roles: viewer.roles.join(", "),
			end: viewer.tokenExpiresAt ? formatTime(viewer.tokenExpiresAt) : "–",
		};
		return [ok("token", "doctor.server.token", facts), ...(await checkBackends(session))];
	} catch (error) {
		if (!(error instanceof SessionError)) throw error;
		if (error.code === "UNAUTHENTICATED") return [wrong("fault", "token", "doctor.server.refused", "doctor.server.refusedRemedy")];
		return [wrong("fault", "api", "doctor.server.strange", "doctor.server.silentRemedy", { reason: error.message })];
	}
}
