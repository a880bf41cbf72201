import type { mongo } from "mongoose";

/** A moment in the server's own order of writes. */
export interface ClusterTime {
	readonly seconds: number;
	readonly increment: number;
}

/** A resume token begins with 82 and the cluster time, big endian, in hexadecimal. Source: MongoDB's KeyString of a timestamp. */
const TOKEN = /^82([0-9a-f]{8})([0-9a-f]{8})/i;

/** Up to where a stream has looked; null when the token is of a form that is not known. */
export function timeOfToken(token: unknown): ClusterTime | null {
	const data = (token as { readonly _data?: unknown } | null | undefined)?._data;
	const match = typeof data === "string" ? TOKEN.exec(data) : null;
	return match ? { seconds: Number.parseInt(match[1] as string, 16), increment: Number.parseInt(match[2] as string, 16) } : null;
}

export function timeOfTimestamp(timestamp: mongo.BSON.Timestamp): ClusterTime {
	return { seconds: timestamp.getHighBitsUnsigned(), increment: timestamp.getLowBitsUnsigned() };
}

/** Negative when `a` is before `b`. */
export function compareTimes(a: ClusterTime, b: ClusterTime): number {
	return a.seconds - b.seconds || a.increment - b.increment;
}
