import type { IncomingMessage } from "node:http";

/**
 * Whether a page may open a socket: browsers ask nobody before they do, so the server looks at where the page came from. Programs
 * that are no browsers send no Origin.
 */
export function mayOpenSocket({ headers }: IncomingMessage, allowed: readonly string[]): boolean {
	const { origin, host } = headers;
	if (origin === undefined) return true;
	if (allowed.includes(origin)) return true;
	return URL.canParse(origin) && new URL(origin).host === host;
}
