/** What single values of the configuration must be. */
import { createPublicKey } from "node:crypto";
import { isIP } from "node:net";

export function isHost(host: string): boolean {
	return isIP(host) !== 0 || (host.length <= 253 && /^(?!-)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/.test(host) && !/^[\d.]+$/.test(host));
}

/** Only this machine can reach it. */
export function isLoopback(host: string): boolean {
	return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

export function isTimeZone(name: string): boolean {
	try {
		new Intl.DateTimeFormat("en", { timeZone: name });
		return true;
	} catch {
		return false;
	}
}

/** Scheme, host and port as a browser writes them, and nothing else. */
export function isOrigin(text: string): boolean {
	if (!URL.canParse(text)) return false;
	const url = new URL(text);
	return (url.protocol === "https:" || url.protocol === "http:") && url.origin === text && !text.includes("*");
}

/** An address, a subnet (`10.0.0.0/8`), or one of the names that the proxy library knows. */
export function isProxy(text: string): boolean {
	if (["loopback", "linklocal", "uniquelocal"].includes(text)) return true;
	const [address = "", bits, ...rest] = text.split("/");
	const version = isIP(address);
	if (version === 0 || rest.length > 0) return false;
	return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128));
}

export function isJwksUri(text: string): boolean {
	if (!URL.canParse(text)) return false;
	const url = new URL(text);
	return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname.replace(/^\[|\]$/g, "")));
}

/** A key that RS256, ES256 or EdDSA tokens can be checked with. */
export function isPublicKey(pem: string): boolean {
	// Node would also take a private key or a certificate; neither is what this setting is for.
	if (!pem.includes("-----BEGIN PUBLIC KEY-----")) return false;
	try {
		const key = createPublicKey(pem);
		const details = key.asymmetricKeyDetails ?? {};
		if (key.asymmetricKeyType === "rsa") return (details.modulusLength ?? 0) >= 2048;
		if (key.asymmetricKeyType === "ec") return details.namedCurve === "prime256v1";
		return key.asymmetricKeyType === "ed25519";
	} catch {
		return false;
	}
}
