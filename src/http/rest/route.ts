import type { FastifyInstance, FastifyRequest, HTTPMethods } from "fastify";
import type { Call } from "../../core/actor.js";
import { CachewardenError } from "../../core/errors.js";
import { preferredLocale, say } from "../../core/messages/catalogue.js";
import { callFrom } from "../caller.js";
import type { HttpDeps } from "../deps.js";
import type { Gate } from "../gate.js";
import { FALLBACK, failure, sendFailure, success } from "./envelope.js";
import { readParameters } from "./parameters.js";
import { serveReference } from "./reference.js";
import { REST_ROUTES, type RestRoute } from "./routes.js";

const PREFIX = "/api/cache";
const METHODS: readonly HTTPMethods[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Whether a request is answered in the facade's form, also when there is nothing at its address. */
export function isRest({ url }: { readonly url: string }): boolean {
	return /^\/api(?:[/?]|$)/.test(url);
}

/** The facade for clients of the original system. Its reference stands beside it, at `/api/docs`. */
export async function serveRest(app: FastifyInstance, deps: HttpDeps, gate: Gate): Promise<void> {
	const { operations, clock } = deps;

	function callOf(request: FastifyRequest): Call {
		const facts = { ipAddress: gate.addressOf(request.raw), origin: "REST", fallback: FALLBACK } as const;
		return { ...callFrom(request.raw, request.id, facts), actor: request.actor };
	}

	/** Permission comes before the parameters: who may not call is not told what is wrong with them. */
	async function readInput(call: Call, request: FastifyRequest, { parameters, operation }: RestRoute) {
		if (parameters === undefined) return {};
		const given = parameters.in === "query" ? request.query : parameters.in === "path" ? request.params : bodyOf(request);
		if (given === null) {
			const error = new CachewardenError("BAD_USER_INPUT", { key: "rest.badBody", facts: {} });
			return operations.refuse(call, operation, {}, error);
		}
		const read = readParameters(parameters.shape, given);
		return read.ok ? read.input : operations.refuse(call, operation, given as Readonly<Record<string, unknown>>, read.error);
	}

	await app.register(
		async (scope) => {
			scope.setErrorHandler((error: Error, request, reply) => sendFailure(error as CachewardenError, request, reply, clock.now()));
			scope.setNotFoundHandler((request, reply) => {
				const [path = ""] = request.url.split("?");
				return sendFailure(new CachewardenError("NOT_FOUND", { key: "http.notFound", facts: { path } }), request, reply, clock.now());
			});
			scope.addHook("onRequest", (request) => gate.admit(request));
			// Clients of the original system may send bodies, or say that they do, where none is read; those that are, are read as JSON.
			scope.removeAllContentTypeParsers();
			scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
			for (const route of REST_ROUTES)
				scope.route({
					method: route.method,
					url: `/cache${route.path}`,
					async handler(request, reply) {
						const call = callOf(request);
						const answer = await route.run(operations, call, await readInput(call, request, route));
						return reply.code(answer.status ?? 200).send(success(call.locale, answer, clock.now()));
					},
				});
			for (const [path, allowed] of allowedMethods())
				scope.route({
					method: METHODS.filter((method) => !allowed.includes(method)),
					url: `/cache${path}`,
					async handler(request, reply) {
						const locale = preferredLocale(request.headers["accept-language"], FALLBACK);
						const facts = { path: PREFIX + path, allowed: allowed.join(", "), method: request.method };
						const message = say(locale, { key: "rest.wrongMethod", facts });
						return reply
							.code(405)
							.header("allow", allowed.join(", "))
							.send(failure("BAD_USER_INPUT", message, clock.now()));
					},
				});
		},
		{ prefix: "/api" },
	);
	await serveReference(app, PREFIX);
}

/** Null when it is no JSON object; an empty one says nothing. */
function bodyOf({ body }: FastifyRequest): unknown {
	const text = Buffer.isBuffer(body) ? body.toString("utf8") : "";
	if (text.trim() === "") return {};
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
	} catch {
		return null;
	}
}

function allowedMethods(): ReadonlyMap<string, readonly HTTPMethods[]> {
	const methods = new Map<string, HTTPMethods[]>();
	// Fastify answers HEAD wherever it answers GET.
	for (const { path, method } of REST_ROUTES)
		methods.set(path, [...(methods.get(path) ?? []), ...(method === "GET" ? (["GET", "HEAD"] as const) : [method])]);
	return methods;
}
