import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { handleProtocols, makeServer } from "graphql-ws";
import { type WebSocket, WebSocketServer } from "ws";
import { callFrom } from "./caller.js";
import { Connection } from "./connection.js";
import { DEFAULT_TIMING, type HttpDeps } from "./deps.js";
import { mayOpenSocket } from "./origins.js";
import { RateLimitedError } from "./rate-limits.js";
import { requestIdOf } from "./request-log.js";
import { CLOSE, Outlet } from "./socket.js";
import { type SocketParts, socketOperations } from "./socket-operations.js";

const PATH = "/graphql";
const MAX_FRAME_BYTES = 1_048_576;

export interface SocketServer {
	/** Tells every client with 1001; who has not gone after `graceMs` is cut off. */
	close(graceMs: number): Promise<void>;
}

/** GraphQL over WebSocket (`graphql-transport-ws`) on the upgrades of an HTTP server. */
export function serveSockets(http: Server, parts: SocketParts & { readonly deps: Pick<HttpDeps, "timing"> }): SocketServer {
	const { deps, metrics } = parts;
	const { connectionInitMs, pingMs } = { ...DEFAULT_TIMING, ...deps.timing };
	const sockets = new WebSocketServer({
		noServer: true,
		maxPayload: MAX_FRAME_BYTES,
		perMessageDeflate: false,
		handleProtocols,
		// The end of an operation and the next one of the same id may come in one packet; each has its turn.
		allowSynchronousEvents: false,
	});
	const server = makeServer({ ...socketOperations(parts), connectionInitWaitTimeout: connectionInitMs });
	const outlets = new Set<Outlet>();
	let closing = false;

	function accept(socket: WebSocket, request: IncomingMessage): void {
		const requestId = requestIdOf(request);
		let ended: () => Promise<void> = () => Promise.resolve();
		const outlet = new Outlet(socket, () => {
			stopPinging();
			connection.closed();
			outlets.delete(outlet);
			metrics.sockets.set(outlets.size);
			ended().catch((error: unknown) => deps.logger.error({ err: error, requestId }, "a socket's operations could not be ended"));
		});
		const connection = new Connection(request, callFrom(request, requestId, { ipAddress: parts.gate.addressOf(request) }), outlet);
		const stopPinging = keepAlive(socket, pingMs);
		outlets.add(outlet);
		metrics.sockets.set(outlets.size);
		// A frame that is too large or malformed: ws has closed the socket with the right code.
		socket.on("error", (error) => deps.logger.debug({ err: error, requestId }, "a socket failed"));
		ended = server.opened(
			{
				protocol: socket.protocol,
				send: (frame) => outlet.send(frame),
				close: (code = CLOSE.internalError, reason = "") => outlet.close(code, reason),
				onMessage: (handle) =>
					socket.on("message", (data) => {
						if (outlet.over) return;
						handle(String(data)).catch((error: unknown) => {
							deps.logger.error({ err: error, requestId }, "a socket's message could not be handled");
							outlet.close(CLOSE.internalError, "Internal error");
						});
					}),
			},
			{ connection },
		);
	}

	function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
		const [path] = (request.url ?? "").split("?");
		if (path !== PATH) refuse(socket, "404 Not Found");
		else if (closing) refuse(socket, "503 Service Unavailable");
		else if (!mayOpenSocket(request, deps.config.corsOrigins)) refuse(socket, "403 Forbidden");
		else {
			parts.gate.limits.countAddress(request).then(
				() => sockets.handleUpgrade(request, socket, head, (opened) => accept(opened, request)),
				(error: unknown) => {
					if (error instanceof RateLimitedError)
						return refuse(socket, "429 Too Many Requests", `Retry-After: ${error.retryAfterSeconds}\r\n`);
					deps.logger.error({ err: error }, "a socket could not be opened");
					refuse(socket, "500 Internal Server Error");
				},
			);
		}
	}

	http.on("upgrade", upgrade);
	return {
		async close(graceMs) {
			closing = true;
			const gone = [...sockets.clients].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
			for (const outlet of [...outlets]) outlet.close(CLOSE.goingAway, "The server is going away");
			const cut = setTimeout(() => {
				for (const socket of sockets.clients) socket.terminate();
			}, graceMs);
			await Promise.all(gone);
			clearTimeout(cut);
			sockets.close();
			http.off("upgrade", upgrade);
		},
	};
}

function refuse(socket: Duplex, status: string, headers = ""): void {
	// The peer may be gone already; then nobody is left to be told.
	socket.on("error", () => socket.destroy());
	socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n${headers}Content-Length: 0\r\n\r\n`);
}

/** Cuts off a client that answered no ping for a whole interval. Returns the way to stop. */
function keepAlive(socket: WebSocket, everyMs: number): () => void {
	let alive = true;
	socket.on("pong", () => {
		alive = true;
	});
	const timer = setInterval(() => {
		if (!alive) return socket.terminate();
		alive = false;
		if (socket.readyState === socket.OPEN) socket.ping();
	}, everyMs);
	return () => clearInterval(timer);
}
