/** Which addresses this program may call without being told so: those of the public internet. */
import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { buildConnector } from "undici";

/** The host is, or has no other address than, one that is not public. */
export class PrivateAddressError extends Error {
	constructor(host: string) {
		super(`${host} is not a public address`);
		this.name = "PrivateAddressError";
	}
}

/** IPv4 written as IPv6 counts as what it stands for. */
export function isPublicAddress(address: string): boolean {
	return ipaddr.isValid(address) && ipaddr.process(address).range() === "unicast";
}

/**
 * Checks addresses when the connection is made: a name that is answered differently then than before leads nowhere else, and a
 * redirect is checked like the first call.
 */
export function guardedConnector(timeoutMs: number, isAllowed: (address: string) => boolean): buildConnector.connector {
	const connect = buildConnector({ timeout: timeoutMs, lookup: lookupOf(isAllowed) } as buildConnector.BuildOptions);
	return (options, callback) => {
		const host = options.hostname.replace(/^\[|\]$/g, "");
		// For an address nothing is looked up.
		if (isIP(host) !== 0 && !isAllowed(host)) callback(new PrivateAddressError(host), null);
		else connect(options, callback);
	};
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

function lookupOf(isAllowed: (address: string) => boolean) {
	return (host: string, options: LookupOptions, callback: LookupCallback): void => {
		lookup(host, { ...options, all: true }, (error, found) => {
			if (error) return callback(error, []);
			const addresses = found.filter(({ address }) => isAllowed(address));
			const [first] = addresses;
			if (first === undefined) callback(new PrivateAddressError(host), []);
			else if (options.all) callback(null, addresses);
			else callback(null, first.address, first.family);
		});
	};
}
