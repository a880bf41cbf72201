import { access } from "node:fs/promises";
import { BackendInfoDocument } from "../../client/generated/graphql.js";
import type { Session } from "../../client/session.js";
import type { Config } from "../../config/config.js";
import { CachewardenError } from "../../core/errors.js";
import { findServer } from "../../store/server-file.js";
import type { CliContext } from "../context.js";
import { serverAnswers, withSession } from "../session.js";
import { type Check, ok, wrong } from "./check.js";

export interface StoreFindings {
	readonly checks: readonly Check[];
	/** Of the server that holds the store. */
	readonly serverUrl: string | null;
}

/** Who holds the store, and what the catalog knows: from the running server, else by opening it for a moment. */
export async function checkStore(config: Config, context: CliContext): Promise<StoreFindings> {
	const server = await findServer(config.dataDir);
	if (server !== null && (await serverAnswers(server.url)))
		return {
			checks: [
				ok("store", "doctor.store.server", { url: server.url, pid: server.pid }),
				...(await withSession(context, {}, checkBackends)),
			],
			serverUrl: server.url,
		};
	if (!(await exists(config.dataDir))) return { checks: [ok("store", "doctor.store.new")], serverUrl: null };
	try {
		return { checks: [ok("store", "doctor.store.free"), ...(await checkPlaces(config, context))], serverUrl: null };
	} catch (error) {
		if (!(error instanceof CachewardenError) || error.code !== "STORE_LOCKED") throw error;
		const facts = { dir: config.dataDir };
		return { checks: [wrong("warning", "store", "doctor.store.locked", "doctor.store.lockedRemedy", facts)], serverUrl: null };
	}
}

/** What the layers say of themselves. */
export async function checkBackends(session: Session): Promise<Check[]> {
	const { backendInfo } = await session.execute(BackendInfoDocument, {});
	return (backendInfo?.backends ?? []).map(({ kind, location, available, error }) =>
		available
			? ok(`backend:${location}`, "doctor.backend.ok", { kind, location })
			: wrong("fault", `backend:${location}`, "doctor.backend.down", "doctor.backend.downRemedy", {
					kind,
					location,
					error: error ?? "?",
				}),
	);
}

async function checkPlaces(config: Config, { host, terminal }: CliContext): Promise<Check[]> {
	const checks: Check[] = [];
	for (const place of await host.inspectPlaces(config)) {
		const id = `catalog:${place.place}`;
		const facts = { place: place.place, location: place.location, count: place.brokenMetadata };
		const before = checks.length;
		if (place.error !== null)
			checks.push(
				wrong("fault", id, "doctor.catalog.failed", "doctor.catalog.failedRemedy", { ...facts, error: terminal.say(place.error.said) }),
			);
		if (place.brokenMetadata > 0) checks.push(wrong("warning", id, "doctor.catalog.broken", "doctor.catalog.brokenRemedy", facts));
		if (checks.length === before) checks.push(ok(id, "doctor.catalog.ok", facts));
	}
	return checks;
}

async function exists(path: string): Promise<boolean> {
	try {
		await access(path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
		throw error;
	}
}
