import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import proxyAddress, { compile } from "@fastify/proxy-addr";

/** Who called; null when the connection is gone already. */
export type AddressOf = (request: IncomingMessage) => string | null;

/**
 * The peer's address, or, when the peer is one of the trusted proxies, the address that it names in `X-Forwarded-For`: the last
 * one that no trusted proxy stands behind. What a stranger writes into that header counts for nothing.
 */
export function addressReader(trusted: readonly string[]): AddressOf {
	const peerOf: AddressOf = (request) => request.socket.remoteAddress ?? null;
	if (trusted.length === 0) return peerOf;
	const trust = compile([...trusted]);
	return (request) => {
		const peer = peerOf(request);
		const address = peer === null ? null : proxyAddress(request, trust);
		return address !== null && isIP(address) !== 0 ? address : peer;
	};
}
