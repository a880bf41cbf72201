import { readFile } from "node:fs/promises";
import helmet from "@fastify/helmet";
import type { FastifyInstance } from "fastify";
import { getStaticFile } from "ruru/static";
import { CachewardenError } from "../../core/errors.js";
import { playgroundPage } from "./page.js";

const STATIC_PATH = "/playground/static/";
const ASSETS = new URL("../../../playground/", import.meta.url);

/** Scripts and workers come from files of this server only. Styles are also set by the editor on its elements. */
const PAGE_POLICY = {
	// Whether this host speaks TLS is the business of what stands before it.
	strictTransportSecurity: false,
	contentSecurityPolicy: {
		useDefaults: false,
		directives: {
			"default-src": ["'none'"],
			"script-src": ["'self'"],
			"style-src": ["'self'", "'unsafe-inline'"],
			"worker-src": ["'self'"],
			"img-src": ["'self'", "data:"],
			"font-src": ["'self'", "data:"],
			"connect-src": ["'self'", "ws:", "wss:"],
			"base-uri": ["'none'"],
			"form-action": ["'none'"],
			"frame-ancestors": ["'none'"],
		},
	},
};
/** Asked again each time, and answered with 304 while it is the same. */
const REVALIDATE = "no-cache";
/** Dozens of files a visit are no requests that anybody looks for in the log. */
const QUIET = { logLevel: "warn" } as const;

/** GraphiQL at `/playground`; every file of it is served from here. */
export async function servePlayground(app: FastifyInstance): Promise<void> {
	const page = playgroundPage(STATIC_PATH);
	const own = (file: string) => readFile(new URL(file, ASSETS));

	await app.register(async (scope) => {
		// The policy for data, under which nothing runs, gives way to the pages' own.
		scope.addHook("onRequest", async (_request, reply) => {
			reply.removeHeader("content-security-policy");
		});
		await scope.register(helmet, PAGE_POLICY);
		scope.get("/playground", QUIET, async (_request, reply) => reply.type("text/html; charset=utf-8").send(page));
		scope.get("/playground/page.js", QUIET, async (_request, reply) =>
			reply.type("text/javascript; charset=utf-8").send(await own("page.js")),
		);
		scope.get("/playground/page.css", QUIET, async (_request, reply) => reply.type("text/css; charset=utf-8").send(await own("page.css")));
		scope.get(`${STATIC_PATH}*`, QUIET, async (request, reply) => {
			const file = await getStaticFile({
				staticPath: STATIC_PATH,
				urlPath: request.url,
				acceptEncoding: request.headers["accept-encoding"],
				disallowDevAssets: true,
			});
			if (file === null) throw new CachewardenError("NOT_FOUND", { key: "http.notFound", facts: { path: request.url } });
			const { "content-length": _length, etag, ...headers } = file.headers;
			reply.headers({ ...headers, etag, vary: "accept-encoding", "cache-control": REVALIDATE });
			return request.headers["if-none-match"] === etag ? reply.code(304).send() : reply.send(file.content);
		});
	});
}
