import type { RedisNamespace } from "../../config/redis.js";
import type { EntryPreview } from "../backend.js";
import { describeValue } from "../disk/preview.js";
import type { RedisConnection } from "./connection.js";

const CALL_MS = 5_000;
/** How a value of each format would be called if it were a file. */
const EXTENSIONS = { json: ".json", pickle: ".pkl", other: "" } as const;

/** The first bytes of the value and no more of it; null when it is gone. Of anything but a string only what it is. */
export async function previewKey(
	connection: RedisConnection,
	{ format }: RedisNamespace,
	key: string,
	maxBytes: number,
): Promise<EntryPreview | null> {
	return connection.call(CALL_MS, async (client) => {
		const kind = await client.type(key);
		if (kind === "none") return null;
		if (kind !== "string")
			return { mediaType: `application/x-redis-${kind.toLowerCase().replace(/[^a-z-]/g, "")}`, text: null, truncated: true };
		const [size, bytes] = await Promise.all([client.strlen(key), client.getrangeBuffer(key, 0, maxBytes - 1)]);
		// Gone since its type was told.
		if (size === 0 && (await client.exists(key)) === 0) return null;
		return describeValue(EXTENSIONS[format], bytes, size);
	});
}
