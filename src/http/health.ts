import type { FastifyInstance } from "fastify";
import type { HttpDeps } from "./deps.js";
import type { Metrics } from "./metrics.js";

/** For probes and Prometheus, which hold no token: nothing here tells more than that and how much the server works. */
export function serveHealth(app: FastifyInstance, { readiness }: Pick<HttpDeps, "readiness">, metrics: Metrics): void {
	app.get("/healthz", { logLevel: "warn" }, async () => ({ status: "ok" }));

	app.get("/readyz", { logLevel: "warn" }, async (_request, reply) => {
		const { ready, layers } = await readiness();
		return reply.code(ready ? 200 : 503).send({ ready, backends: layers.map(({ id, kind, available }) => ({ id, kind, available })) });
	});

	app.get("/metrics", { logLevel: "warn" }, async (_request, reply) => {
		const { contentType, text } = await metrics.text();
		return reply.type(contentType).send(text);
	});
}
