import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../../config/config.js";
import type { MessageKey } from "../../core/messages/catalogue.js";
import type { CliContext } from "../context.js";
import type { MongodbFindings } from "../host.js";
import { type Check, ok, wrong } from "./check.js";
import { isOlder, MIN_VERSION } from "./mongodb.js";

/** Of an address that is not the layer's: the same findings name another setting. */
const FAILURES: Readonly<Partial<Record<MessageKey, readonly [MessageKey, MessageKey]>>> = {
	"mongodb.late": ["doctor.audit.late", "doctor.mongodb.lateRemedy"],
	"mongodb.login": ["doctor.audit.login", "doctor.audit.loginRemedy"],
	"mongodb.forbidden": ["doctor.audit.rights", "doctor.audit.rightsRemedy"],
};

/** The log's own database, where it is not that of the layer, and what waits to get there. */
export async function checkAudit(config: Config, { host }: CliContext): Promise<Check[]> {
	const { audit, mongodb } = config;
	if (audit.mongodb === null) return [];
	const checks = await waiting(config.dataDir);
	if (audit.mongodb.uri === mongodb.uri) return checks;
	return [...auditChecks(await host.inspectAudit(config), audit.mongodb.database), ...checks];
}

export function auditChecks(findings: Omit<MongodbFindings, "unindexed">, database: string): Check[] {
	const { location, failure, version, reportsChanges, missingRights } = findings;
	const facts = { location, version, database, min: MIN_VERSION.join(".") };
	if (failure !== null) {
		const [what, remedy] = FAILURES[failure.said.key] ?? ["doctor.audit.down", "doctor.audit.downRemedy"];
		return [wrong("fault", "audit", what, remedy, { ...facts, reason: failure.said.facts.reason ?? "" })];
	}
	if (isOlder(version)) return [wrong("fault", "audit:version", "doctor.mongodb.version", "doctor.mongodb.versionRemedy", facts)];
	const checks = [ok("audit", "doctor.audit.ok", facts)];
	if (missingRights.length > 0) checks.push(wrong("fault", "audit:rights", "doctor.audit.rights", "doctor.audit.rightsRemedy", facts));
	if (!reportsChanges) checks.push(wrong("warning", "audit:changes", "doctor.audit.changes", "doctor.mongodb.changesRemedy", facts));
	return checks;
}

async function waiting(dataDir: string): Promise<Check[]> {
	const checks: Check[] = [];
	const spool = join(dataDir, "audit.spool");
	const refused = join(dataDir, "audit.spool.refused");
	const bytes = await sizeOf(spool);
	if (bytes > 0) checks.push(wrong("warning", "audit:spool", "doctor.audit.spool", "doctor.audit.spoolRemedy", { file: spool, bytes }));
	if ((await sizeOf(refused)) > 0)
		checks.push(wrong("warning", "audit:refused", "doctor.audit.refused", "doctor.audit.refusedRemedy", { file: refused }));
	return checks;
}

async function sizeOf(path: string): Promise<number> {
	return (await stat(path).catch(() => null))?.size ?? 0;
}
