import { SessionError } from "./session.js";

/** As much of it as matters here, of whichever platform. */
type WebSocketClass = new (url: string, protocols?: string | string[]) => { addEventListener(type: "error", listener: () => void): void };

/**
 * The given implementation, or the platform's. Its sockets may be given up while they connect: that of the package `ws` would
 * end the process with the error that then has no listener left.
 */
export function webSocketOf(given: unknown): WebSocketClass {
	const Platform = (given ?? (globalThis as { WebSocket?: unknown }).WebSocket) as WebSocketClass | undefined;
	if (Platform === undefined)
		throw new SessionError("BAD_USER_INPUT", "this platform has no WebSocket; give one, such as that of the package ws");
	return class extends Platform {
		constructor(url: string, protocols?: string | string[]) {
			super(url, protocols);
			this.addEventListener("error", () => {});
		}
	};
}
