import type { AddressInfo } from "node:net";
import cors from "@fastify/cors";
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from "fastify";
import type { Actor } from "../core/actor.js";
import { CachewardenError } from "../core/errors.js";
import { buildApiSchema } from "../schema/build.js";
import { AcceptedQueries } from "./accepted-queries.js";
import { createApollo } from "./apollo.js";
import { serveAuditExport } from "./audit-export.js";
import { compiledExecutor } from "./compiled-executor.js";
import { DEFAULT_TIMING, type HttpDeps } from "./deps.js";
import { openGate } from "./gate.js";
import { serveGraphQL } from "./graphql-route.js";
import { serveHealth } from "./health.js";
import { queryLimits } from "./limits.js";
import { openMetrics } from "./metrics.js";
import { servePlayground } from "./playground/route.js";
import { serveQueueBoard } from "./queue-board.js";
import { sendRefusal } from "./request-errors.js";
import { type OperationLabel, requestIdOf } from "./request-log.js";
import { sendFailure } from "./rest/envelope.js";
import { isRest, serveRest } from "./rest/route.js";
import { serveSockets } from "./websocket.js";

const MAX_HEADER_BYTES = 16_384;

/** An answer is data: it is not a page, nothing in it runs, and nobody keeps it. Pages say otherwise for themselves. */
const SAFE_HEADERS = {
	"cache-control": "no-store",
	"content-security-policy": "default-src 'none'; frame-ancestors 'none'",
	"x-content-type-options": "nosniff",
};

declare module "fastify" {
	interface FastifyRequest {
		actor: Actor | null;
		label: OperationLabel | null;
	}
}

export interface HttpServer {
	/** Where it can be reached, without a slash at the end. */
	listen(): Promise<{ readonly url: string }>;
	/** Takes nothing new, lets what runs end for `graceMs`, and ends. */
	close(graceMs: number): Promise<void>;
}

/** Everything that is served over HTTP and WebSocket, on one port. */
export async function createHttpServer(deps: HttpDeps): Promise<HttpServer> {
	const { config, logger } = deps;
	const timing = { ...DEFAULT_TIMING, ...deps.timing };
	const schema = buildApiSchema();
	const limits = queryLimits(schema, config.limits);
	const execute = compiledExecutor(schema);
	const metrics = openMetrics(deps);
	const accepted = new AcceptedQueries(limits, execute);
	const apollo = createApollo({ schema, limits, execute, logger, accepted });
	await apollo.start();
	const gate = openGate(deps);

	const app: FastifyInstance = fastify({
		loggerInstance: logger as FastifyBaseLogger,
		// One line a request, below, instead of two.
		logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
		genReqId: requestIdOf,
		trustProxy: config.trustProxy.length === 0 ? false : [...config.trustProxy],
		// An address that is none is refused before there are hooks.
		frameworkErrors(error, request, reply) {
			reply.headers(SAFE_HEADERS).header("x-request-id", request.id);
			if (isRest(request)) sendFailure(error, request, reply, deps.clock.now());
			else sendRefusal(error, request, reply);
		},
		bodyLimit: config.limits.bodyBytes,
		requestTimeout: timing.requestMs,
		http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: timing.headersMs, connectionsCheckingInterval: timing.checkMs },
		forceCloseConnections: "idle",
	});
	app.decorateRequest("actor", null);
	app.decorateRequest("label", null);
	app.addHook("onRequest", async (request, reply) => {
		reply.headers(SAFE_HEADERS).header("x-request-id", request.id);
	});
	app.addHook("onResponse", async (request, reply) => logRequest(request, reply.statusCode, reply.elapsedTime));
	if (config.corsOrigins.length > 0)
		await app.register(cors, {
			origin: [...config.corsOrigins],
			methods: ["GET", "POST", "DELETE"],
			exposedHeaders: ["x-request-id", "retry-after"],
			maxAge: 600,
		});
	app.setErrorHandler(sendRefusal);
	app.setNotFoundHandler((request, reply) => {
		const [path = ""] = request.url.split("?");
		return sendRefusal(new CachewardenError("NOT_FOUND", { key: "http.notFound", facts: { path } }), request, reply);
	});
	await serveGraphQL(app, deps, gate, apollo, accepted);
	await serveRest(app, deps, gate);
	serveHealth(app, deps, metrics);
	await serveAuditExport(app, deps, gate);
	await servePlayground(app);
	if (deps.queueBoard) await serveQueueBoard(app, deps.queueBoard, gate);
	app.get("/", async (_request, reply) => reply.redirect("/playground", 302));
	const sockets = serveSockets(app.server, { deps, gate, schema, limits, execute, metrics });

	function logRequest(request: FastifyRequest, status: number, durationMs: number): void {
		const route = request.routeOptions.url ?? "unknown";
		metrics.request(request.label?.field ?? route, status, durationMs / 1000);
		const facts = {
			user: request.actor?.id ?? null,
			operation: request.label?.name ?? null,
			method: request.method,
			route,
			status,
			durationMs: Math.round(durationMs * 10) / 10,
			ip: gate.addressOf(request.raw),
		};
		if (status >= 500) request.log.error(facts, "request");
		else request.log.info(facts, "request");
	}

	return {
		async listen() {
			// Two addresses of one name would be two servers, one of them without sockets.
			await app.listen({ host: config.host === "localhost" ? "127.0.0.1" : config.host, port: config.port });
			const { address, family, port } = app.server.address() as AddressInfo;
			return { url: `http://${family === "IPv6" ? `[${address}]` : address}:${port}` };
		},
		async close(graceMs) {
			const cut = setTimeout(() => app.server.closeAllConnections(), graceMs);
			await Promise.all([sockets.close(graceMs), app.close()]);
			clearTimeout(cut);
			await apollo.stop();
			metrics.close();
		},
	};
}
