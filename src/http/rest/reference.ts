import helmet from "@fastify/helmet";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { openApiDocument } from "./openapi.js";
import { REST_ROUTES } from "./routes.js";

/** Scripts come from files of this server only, and calls go to it only. The page sets styles on its elements. */
const PAGE_POLICY = {
	// Whether this host speaks TLS is the business of what stands before it.
	strictTransportSecurity: false,
	contentSecurityPolicy: {
		useDefaults: false,
		directives: {
			"default-src": ["'none'"],
			"script-src": ["'self'"],
			"style-src": ["'self'", "'unsafe-inline'"],
			"img-src": ["'self'", "data:"],
			"font-src": ["'self'", "data:"],
			"connect-src": ["'self'"],
			"base-uri": ["'none'"],
			"form-action": ["'none'"],
			"frame-ancestors": ["'none'"],
		},
	},
};
/** Dozens of files a visit are no requests that anybody looks for in the log. */
const QUIET = "warn";

/** The OpenAPI document, and Swagger UI to read and try it; every file of it is served from here. */
export async function serveReference(app: FastifyInstance, prefix: string): Promise<void> {
	const document = openApiDocument(REST_ROUTES, prefix);
	app.get("/api/openapi.json", { logLevel: QUIET }, async (_request, reply) => reply.send(document));
	await app.register(
		async (scope) => {
			// The policy for data, under which nothing runs, gives way to the page's own.
			scope.addHook("onRequest", async (_request, reply) => {
				reply.removeHeader("content-security-policy");
			});
			await scope.register(helmet, PAGE_POLICY);
			await scope.register(swagger, { mode: "static", specification: { document: document as never } });
			await scope.register(swaggerUi, {
				routePrefix: "/api/docs",
				uiConfig: { tryItOutEnabled: true },
				theme: { title: "cachewarden REST" },
			});
		},
		{ logLevel: QUIET },
	);
}
