import { userInfo } from "node:os";
import { setTimeout } from "node:timers/promises";
import { WebSocket } from "ws";
import { connectRemote, type Endpoint } from "../client/remote.js";
import { type Session, SessionError } from "../client/session.js";
import type { Config } from "../config/config.js";
import { loadConfig } from "../config/load.js";
import { variable } from "../config/sources.js";
import { CachewardenError } from "../core/errors.js";
import { findServer } from "../store/server-file.js";
import type { CliContext } from "./context.js";
import type { CommonOptions } from "./options.js";

/** A token for the server that holds the store lives no longer than one call needs it. */
const OWN_TOKEN_SECONDS = 600;
/** A server that has just taken the store has not said yet where it listens; another command gives it back soon. */
const LOCKED_MS = 10_000;
const LOCKED_PAUSE_MS = 250;

export interface OpenSession extends Session {
	/** `local` ends with this process, jobs included. */
	readonly kind: "local" | "remote";
}

/**
 * The way to the API: `--url` when given, else this process itself, else, while a server holds the store, through that
 * server.
 */
export async function openSession(context: CliContext, options: CommonOptions): Promise<OpenSession> {
	if (options.url !== undefined) {
		const endpoint = { url: options.url, token: options.token ?? variable(context.env, "CACHEWARDEN_TOKEN") };
		return remote(context, async () => endpoint);
	}
	const config = quiet(loadConfig(context), context);
	const running = await findServer(config.dataDir);
	if (running !== null && (await serverAnswers(running.url))) return throughServer(context, config);
	const deadline = Date.now() + LOCKED_MS;
	for (;;) {
		try {
			const session = await context.host.openLocalSession(config, { userId: localUser(), locale: context.terminal.locale });
			return Object.assign(session, { kind: "local" as const });
		} catch (error) {
			if (!(error instanceof CachewardenError) || error.code !== "STORE_LOCKED") throw error;
			const server = await findServer(config.dataDir);
			if (server !== null && (await serverAnswers(server.url))) return throughServer(context, config);
			if (Date.now() > deadline) throw error;
			await setTimeout(LOCKED_PAUSE_MS);
		}
	}
}

/** Runs something with a session and closes it, whatever happens. */
export async function withSession<T>(context: CliContext, options: CommonOptions, work: (session: OpenSession) => Promise<T>): Promise<T> {
	const session = await openSession(context, options);
	try {
		return await work(session);
	} finally {
		await session.close();
	}
}

/** Who acts on this machine. */
export function localUser(): string {
	try {
		return userInfo().username;
	} catch (error) {
		// Containers run users that the system has no name for.
		if ((error as NodeJS.ErrnoException).code !== "ERR_SYSTEM_ERROR") throw error;
		return `uid-${process.getuid?.() ?? 0}`;
	}
}

function remote(context: CliContext, endpoint: () => Promise<Endpoint>): OpenSession {
	const session = connectRemote({
		endpoint,
		language: context.terminal.locale,
		agent: `cachewarden-cli/${context.version}`,
		webSocket: WebSocket,
	});
	return Object.assign(session, { kind: "remote" as const });
}

/** Address and token are asked anew each time: the server may have been restarted elsewhere. */
function throughServer(context: CliContext, config: Config): OpenSession {
	return remote(context, async () => {
		const server = await findServer(config.dataDir);
		if (server === null) throw new SessionError("UNREACHABLE", config.dataDir);
		const token = await context.host.signToken(config, { userId: localUser(), role: "ADMIN", lifetimeSeconds: OWN_TOKEN_SECONDS });
		if (token === null) throw new CachewardenError("UNAUTHENTICATED", { key: "cli.noSecret", facts: { url: server.url } });
		return { url: server.url, token };
	});
}

/** A server that was killed leaves its address behind. */
export async function serverAnswers(url: string): Promise<boolean> {
	try {
		return (await fetch(new URL("/healthz", url), { signal: AbortSignal.timeout(2_000) })).ok;
	} catch (error) {
		return error instanceof Error && error.name === "TimeoutError";
	}
}

/** What an operator called is answered on the terminal; the log of this process is not asked for. */
function quiet(config: Config, { env }: CliContext): Config {
	if (variable(env, "LOG_LEVEL") !== null || config.log.level !== "info") return config;
	return { ...config, log: { level: "warn" } };
}
