import { createPublicKey, createSecretKey, type KeyObject } from "node:crypto";

/** A key with the only algorithms that it may be used for. */
export interface BoundKey {
	readonly key: KeyObject;
	readonly algorithms: readonly string[];
}

const ALGORITHMS_BY_KEY_TYPE: Readonly<Record<string, readonly string[]>> = {
	rsa: ["RS256"],
	ec: ["ES256"],
	ed25519: ["EdDSA", "Ed25519"],
};

/** What a key server's keys may be used for; never a shared secret. */
export const PUBLIC_ALGORITHMS: readonly string[] = Object.values(ALGORITHMS_BY_KEY_TYPE).flat();

export function secretKey(secret: string): BoundKey {
	return { key: createSecretKey(Buffer.from(secret, "utf8")), algorithms: ["HS256"] };
}

/** The configuration has checked that it is one of the kinds that are supported. */
export function publicKey(pem: string): BoundKey {
	const key = createPublicKey(pem);
	return { key, algorithms: ALGORITHMS_BY_KEY_TYPE[key.asymmetricKeyType ?? ""] ?? [] };
}
