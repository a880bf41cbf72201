import type { ApolloServer } from "@apollo/server";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { AcceptedQueries } from "./accepted-queries.js";
import { callFrom, challengeOf, isFromLoopback, seesSchema } from "./caller.js";
import type { HttpDeps } from "./deps.js";
import type { Gate } from "./gate.js";
import type { HttpContext } from "./http-context.js";
import { sendGraphQLRefusal } from "./request-errors.js";

const ALLOWED = "GET, POST";
export async function serveGraphQL(
	app: FastifyInstance,
	deps: HttpDeps,
	gate: Gate,
	apollo: ApolloServer<HttpContext>,
	accepted: AcceptedQueries,
): Promise<void> {
	const { operations, config } = deps;

	function contextOf(request: FastifyRequest): HttpContext {
		const call = { ...callFrom(request.raw, request.id, { ipAddress: gate.addressOf(request.raw) }), actor: request.actor };
		return {
			call,
			operations,
			reader: {
				requestId: request.id,
				locale: call.locale,
				seesSchema: seesSchema(call.actor, isFromLoopback(request.raw)),
				maxTokens: config.limits.tokens,
				log: deps.logger,
			},
			named(label) {
				request.label = label;
			},
		};
	}

	const askApollo = fastifyApolloHandler(apollo, { context: async (request) => contextOf(request) }) as (
		request: FastifyRequest,
		reply: FastifyReply,
	) => Promise<string>;

	async function answer(request: FastifyRequest, reply: FastifyReply): Promise<string> {
		const known = request.method === "POST" ? await accepted.answer(request, () => contextOf(request)) : null;
		if (known === null) {
			const answered = await askApollo(request, reply);
			if (reply.statusCode === 200) accepted.rememberContentType(request.headers.accept, reply.getHeader("content-type"));
			return answered;
		}
		reply.code(known.status).type(known.contentType);
		if (known.status === 401) reply.header("www-authenticate", challengeOf(request.actor));
		return known.body;
	}

	await app.register(async (scope) => {
		scope.setErrorHandler(sendGraphQLRefusal);
		scope.addHook("onRequest", (request) => gate.admit(request));
		scope.route({ method: ["GET", "POST"], url: "/graphql", handler: answer });
		scope.route({
			method: ["PUT", "PATCH", "DELETE"],
			url: "/graphql",
			handler: async (_request, reply) =>
				reply
					.code(405)
					.header("allow", ALLOWED)
					.send({ errors: [{ message: `Use ${ALLOWED}` }] }),
		});
	});
}
