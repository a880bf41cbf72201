import { stat } from "node:fs/promises";
import type { Config } from "../../config/config.js";
import { configFile, readSources, variable } from "../../config/sources.js";
import { isTimeZone } from "../../config/values.js";
import type { CliContext } from "../context.js";
import { type Check, ok, wrong } from "./check.js";

const MIN_NODE_MAJOR = 20;
/** RFC 7518, 3.2: as long as the hash of HS256. */
const MIN_SECRET_BYTES = 32;

export function checkNode(version: string): Check {
	const major = Number(/^v?(\d+)/.exec(version)?.[1]);
	if (major >= MIN_NODE_MAJOR) return ok("node", "doctor.node.ok", { version });
	return wrong("fault", "node", "doctor.node.old", "doctor.node.remedy", { version, min: MIN_NODE_MAJOR });
}

/** What is allowed, and still not wise. */
export async function checkConfiguration(config: Config, { env, cwd }: CliContext): Promise<Check[]> {
	const file = configFile(env, cwd);
	const checks = [file === null ? ok("config", "doctor.config.ok") : ok("config", "doctor.config.okFile", { file })];
	if (file !== null && config.auth.jwtSecret !== null && variable(env, "JWT_SECRET") === null && (await othersMayRead(file)))
		checks.push(wrong("warning", "config:file-mode", "doctor.config.fileReadable", "doctor.config.fileReadableRemedy", { file }));
	const { jwtSecret, defaultRole, users } = config.auth;
	const length = Buffer.byteLength(jwtSecret ?? "");
	if (jwtSecret !== null && length < MIN_SECRET_BYTES)
		checks.push(
			wrong("warning", "config:jwt-secret", "doctor.config.shortSecret", "doctor.config.shortSecretRemedy", {
				length,
				min: MIN_SECRET_BYTES,
			}),
		);
	if (defaultRole === "ADMIN" && Object.keys(users).length === 0)
		checks.push(wrong("warning", "config:default-role", "doctor.config.allAdmin", "doctor.config.allAdminRemedy"));
	return checks;
}

/** Node takes UTC without a word when TZ is not the name of a zone; that only matters where no zone is configured. */
export function checkTimeZone(config: Config, { env, cwd }: CliContext): Check {
	const named = variable(env, "TZ")?.replace(/^:/, "");
	const configured = readSources(env, cwd).origins.has("cache.timeZone");
	if (!configured && named && !named.startsWith("/") && !isTimeZone(named))
		return wrong("fault", "time-zone", "doctor.zone.unknown", "doctor.zone.unknownRemedy", { zone: named });
	const now = new Date().toLocaleString("sv-SE", { timeZone: config.cache.timeZone });
	return ok("time-zone", "doctor.zone.ok", { zone: config.cache.timeZone, now });
}

async function othersMayRead(file: string): Promise<boolean> {
	return process.platform !== "win32" && ((await stat(file)).mode & 0o077) !== 0;
}
