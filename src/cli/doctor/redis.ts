import type { Config } from "../../config/config.js";
import { variable } from "../../config/sources.js";
import type { MessageKey } from "../../core/messages/catalogue.js";
import type { CliContext } from "../context.js";
import { formatBytes } from "../format.js";
import type { RedisFindings } from "../host.js";
import { type Check, ok, wrong } from "./check.js";

/** Of the memory that the server may take. */
const NEARLY_FULL = 0.9;

const REMEDIES: Readonly<Partial<Record<MessageKey, MessageKey>>> = {
	"error.redisTimeout": "doctor.redis.lateRemedy",
	"error.redisPassword": "doctor.redis.passwordRemedy",
	"error.redisNoPermission": "doctor.redis.rightsRemedy",
	"error.redisNoKeys": "doctor.redis.rightsRemedy",
	"error.redisTooOld": "doctor.redis.versionRemedy",
	"error.redisReadOnly": "doctor.redis.replicaRemedy",
};

export async function checkRedis(config: Config, { host, terminal, env }: CliContext): Promise<Check[]> {
	if (config.redis.address === null) return [];
	const queueElsewhere = variable(env, "QUEUE_REDIS_URL") !== null;
	return redisChecks(await host.inspectRedis(config), { queueElsewhere, say: (said) => terminal.say(said) });
}

export function redisChecks(
	findings: RedisFindings,
	{ queueElsewhere, say }: { readonly queueElsewhere: boolean; readonly say: CliContext["terminal"]["say"] },
): Check[] {
	const { location, failure, program, version, missingRights } = findings;
	const facts = { location, program, version, missing: missingRights.join(", ") };
	if (failure !== null) {
		const remedy = REMEDIES[failure.said.key] ?? "doctor.redis.unreachableRemedy";
		return [wrong("fault", "redis", "doctor.redis.down", remedy, { ...failure.said.facts, ...facts, error: say(failure.said) })];
	}
	const checks = [ok("redis", "doctor.redis.ok", facts)];
	if (missingRights.length > 0) checks.push(wrong("fault", "redis:rights", "doctor.redis.rights", "doctor.redis.rightsRemedy", facts));
	return [...checks, ...memoryChecks(findings, queueElsewhere), ...notificationChecks(findings)];
}

function memoryChecks({ location, evictionPolicy, maxMemoryBytes, usedMemoryBytes }: RedisFindings, queueElsewhere: boolean): Check[] {
	if (evictionPolicy === null) return [];
	const checks: Check[] = [];
	const facts = { location, policy: evictionPolicy, used: formatBytes(usedMemoryBytes ?? 0), most: formatBytes(maxMemoryBytes ?? 0) };
	if (evictionPolicy !== "noeviction" && !queueElsewhere)
		checks.push(wrong("warning", "redis:eviction", "doctor.redis.evicts", "doctor.redis.evictsRemedy", facts));
	if (evictionPolicy.endsWith("-lfu")) checks.push(wrong("warning", "redis:lfu", "doctor.redis.lfu", "doctor.redis.lfuRemedy", facts));
	if (evictionPolicy === "noeviction" && maxMemoryBytes && (usedMemoryBytes ?? 0) > NEARLY_FULL * maxMemoryBytes)
		checks.push(wrong("warning", "redis:full", "doctor.redis.full", "doctor.redis.fullRemedy", facts));
	return checks;
}

function notificationChecks({ location, notifications }: RedisFindings): Check[] {
	const id = "redis:notifications";
	switch (notifications.state) {
		case "on":
			return [ok(id, "doctor.redis.notified", { location })];
		case "cluster":
			return [ok(id, "doctor.redis.notifiedByNode", { location })];
		case "hidden":
			return [wrong("warning", id, "doctor.redis.notifyHidden", "doctor.redis.notifyHiddenRemedy", { location })];
		case "off": {
			const { flags, wanted } = notifications;
			return [wrong("warning", id, "doctor.redis.notifyOff", "doctor.redis.notifyOffRemedy", { location, flags, wanted })];
		}
	}
}
