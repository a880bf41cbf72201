import { z } from "zod";
import type { RedisAddress } from "../../config/redis.js";
import type { CapabilityCache } from "../../models/port.js";
import { RedisConnection } from "./connection.js";

/** The field's own keys (docs: cache layouts). */
const PREFIX = "model_capability:";
const CALL_MS = 3_000;
const SCAN_COUNT = 1_000;

const shape = z.object({
	version: z.number(),
	name: z.string(),
	provider: z.string(),
	capability_level: z.number(),
	roles: z.array(z.string()),
	features: z.array(z.string()),
	enabled: z.boolean(),
});

/** Capabilities where every process, and the field's programs, find them: what one of them forgets is forgotten for all. */
export function openRedisCapabilities({ address }: { readonly address: RedisAddress }): CapabilityCache {
	const connection = new RedisConnection(address, { name: "cachewarden-models", noTouch: false });
	return {
		async get(model) {
			const text = await connection.call(CALL_MS, (client) => client.get(PREFIX + model));
			const read = text === null ? null : shape.safeParse(parsed(text));
			if (!read?.success) return null;
			const { version, capability_level: capabilityLevel, ...rest } = read.data;
			return { version, capability: { ...rest, capabilityLevel } };
		},

		async put(model, { version, capability }, forMs) {
			const { capabilityLevel, ...rest } = capability;
			const value = { ...rest, capability_level: capabilityLevel, version, created_at: new Date().toISOString() };
			await connection.call(CALL_MS, (client) => client.set(PREFIX + model, JSON.stringify(value), "PX", forMs));
		},

		async clear() {
			await connection.call(CALL_MS, async () => {
				// One by one: on a Cluster they lie in different slots.
				for (const server of connection.servers())
					for await (const keys of server.scanStream({ match: `${PREFIX}*`, count: SCAN_COUNT }) as AsyncIterable<string[]>)
						await Promise.all(keys.map((key) => server.unlink(key)));
			});
		},

		close: () => connection.close(),
	};
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
}
