import { createHash, randomBytes } from "node:crypto";
import type { RedisAddress } from "../../config/redis.js";
import type { Coordination, Lease } from "../../coordination/port.js";
import { CachewardenError } from "../../core/errors.js";
import { RedisConnection } from "./connection.js";
import { runScript, scriptOf } from "./keys-script.js";

/** In no namespace of the cache. */
const PREFIX = "cachewarden:";
/** A holder that dies lets go after that; one that lives says so three times as often. */
const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
const RETRY_MS = 100;
const CALL_MS = 5_000;

const RENEW = scriptOf("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0");
const RELEASE = scriptOf("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0");

/** Agreements over all processes that use one server. `within` is asked first, so that one process asks the server once a name. */
export function openRedisCoordination({
	address,
	within,
}: {
	readonly address: RedisAddress;
	readonly within: Coordination;
}): Coordination {
	const connection = new RedisConnection(address, { name: "cachewarden-locks", noTouch: false });

	async function acquired(key: string, token: string, signal: AbortSignal): Promise<void> {
		for (;;) {
			signal.throwIfAborted();
			if ((await connection.call(CALL_MS, (client) => client.set(key, token, "PX", LEASE_MS, "NX"))) === "OK") return;
			await pause(RETRY_MS, signal);
		}
	}

	return {
		async lock(name, signal) {
			const inner = await within.lock(name, signal);
			try {
				const key = `${PREFIX}lock:${digest(name)}`;
				const token = randomBytes(16).toString("hex");
				await acquired(key, token, signal);
				return leaseOf(connection, key, token, inner);
			} catch (error) {
				// Without the server there is nobody to agree with; within this process it is agreed.
				if (error instanceof CachewardenError && error.code.startsWith("BACKEND_")) return inner;
				await inner.release();
				throw error;
			}
		},

		async tell(name, text, forMs) {
			await within.tell(name, text, forMs);
			await connection.call(CALL_MS, (client) => client.set(`${PREFIX}told:${digest(name)}`, text, "PX", forMs)).catch(awayOnly);
		},

		async told(name) {
			const own = await within.told(name);
			if (own !== null) return own;
			return (await connection.call(CALL_MS, (client) => client.get(`${PREFIX}told:${digest(name)}`)).catch(awayOnly)) ?? null;
		},

		async close() {
			await connection.close();
			await within.close();
		},
	};
}

function leaseOf(connection: RedisConnection, key: string, token: string, inner: Lease): Lease {
	const lost = new AbortController();
	const renewing = setInterval(() => {
		connection
			.call(CALL_MS, (client) => runScript(client, RENEW, [key], [token, LEASE_MS], false))
			.then(
				(kept) => {
					if (kept === 0) lost.abort(new CachewardenError("CHANGED"));
				},
				// It still holds for a while; the next time decides.
				() => undefined,
			);
	}, RENEW_MS).unref();
	return {
		signal: lost.signal,
		async release() {
			clearInterval(renewing);
			await connection.call(CALL_MS, (client) => runScript(client, RELEASE, [key], [token], false)).catch(awayOnly);
			await inner.release();
		},
	};
}

function awayOnly(error: unknown): null {
	if (error instanceof CachewardenError) return null;
	throw error;
}

function digest(name: string): string {
	return createHash("sha256").update(name).digest("hex").slice(0, 40);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const done = (): void => {
			clearTimeout(timer);
			signal.removeEventListener("abort", done);
			resolve();
		};
		const timer = setTimeout(done, ms);
		signal.addEventListener("abort", done, { once: true });
	});
}
