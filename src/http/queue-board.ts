import helmet from "@fastify/helmet";
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from "fastify";
import { CachewardenError } from "../core/errors.js";
import { ROLES } from "../core/roles.js";
import type { Gate } from "./gate.js";
import { sendRefusal } from "./request-errors.js";

export const BOARD_PATH = "/queues";
const COOKIE = "cachewarden_queues";
const LEAST = "OPERATOR";

/** Everything comes from this server; what the page asks of others is left out. */
const POLICY = {
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
			"base-uri": ["'self'"],
			"form-action": ["'none'"],
			"frame-ancestors": ["'none'"],
		},
	},
};

const SIGN_IN = `<!doctype html><html lang="en"><meta charset="utf-8"><title>cachewarden: queues</title>
<form id="form"><label>Token <input id="token" type="password" autocomplete="off" size="60" required></label> <button>OK</button></form>
<p id="said" role="alert"></p><script src="${BOARD_PATH}/sign-in.js"></script></html>`;

/** The token of the address's fragment, which no server sees, or of the field. */
const SIGN_IN_SCRIPT = `const said = document.getElementById("said");
async function signIn(token) {
	const answer = await fetch("${BOARD_PATH}/session", { method: "POST", headers: { authorization: "Bearer " + token } });
	if (answer.ok) location.replace("${BOARD_PATH}/");
	else said.textContent = (await answer.json()).message;
}
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) { history.replaceState(null, "", location.pathname); signIn(given); }
document.getElementById("form").addEventListener("submit", (event) => { event.preventDefault(); signIn(document.getElementById("token").value.trim()); });
`;

/**
 * The queue engine's page at `/queues`, for OPERATORs, to look at only. The same tokens as everywhere; since a browser sends no
 * header with a page, it is lent a cookie for this path that scripts cannot read.
 */
export async function serveQueueBoard(app: FastifyInstance, board: FastifyPluginCallback, gate: Gate): Promise<void> {
	await app.register(async (scope) => {
		scope.addHook("onRequest", async (_request, reply) => {
			reply.removeHeader("content-security-policy");
		});
		await scope.register(helmet, POLICY);
		scope.get(`${BOARD_PATH}/sign-in`, async (_request, reply) => reply.type("text/html; charset=utf-8").send(SIGN_IN));
		scope.get(`${BOARD_PATH}/sign-in.js`, async (_request, reply) => reply.type("text/javascript; charset=utf-8").send(SIGN_IN_SCRIPT));
		scope.post(`${BOARD_PATH}/session`, async (request, reply) => {
			await gate.admit(request);
			const { tokenExpiresAt } = allowed(request);
			const seconds = tokenExpiresAt === null ? 43_200 : Math.max(1, Math.floor((tokenExpiresAt - Date.now()) / 1000));
			const token = (request.headers.authorization ?? "").replace(/^\s*Bearer\s+/i, "").trim();
			const secure = request.protocol === "https" ? "; Secure" : "";
			return reply
				.header("set-cookie", `${COOKIE}=${token}; Path=${BOARD_PATH}; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`)
				.code(204)
				.send();
		});
		await scope.register(async (pages) => {
			pages.addHook("onRequest", async (request, reply) => {
				try {
					request.headers.authorization ??= cookieToken(request);
					await gate.admit(request);
					allowed(request);
					if (request.method !== "GET" && request.method !== "HEAD")
						throw new CachewardenError("FORBIDDEN", { key: "queue.boardReadOnly", facts: {} });
				} catch (error) {
					return refuse(error, request, reply);
				}
			});
			await pages.register(board, { prefix: BOARD_PATH });
		});
	});
}

function allowed({ actor }: FastifyRequest): NonNullable<FastifyRequest["actor"]> {
	if (actor === null) throw new CachewardenError("UNAUTHENTICATED");
	if (!actor.roles.some((role) => ROLES.indexOf(role) >= ROLES.indexOf(LEAST))) throw new CachewardenError("FORBIDDEN");
	return actor;
}

function cookieToken({ headers }: FastifyRequest): string | undefined {
	const found = (headers.cookie ?? "").split(/;\s*/).find((pair) => pair.startsWith(`${COOKIE}=`));
	return found === undefined ? undefined : `Bearer ${found.slice(COOKIE.length + 1)}`;
}

/** A person is asked for a token; the fragment of the address goes along. */
function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply) {
	const unknown = error instanceof CachewardenError && error.code === "UNAUTHENTICATED";
	if (unknown && request.method === "GET" && (request.headers.accept ?? "").includes("text/html"))
		return reply.redirect(`${BOARD_PATH}/sign-in`, 303);
	return sendRefusal(error as CachewardenError, request, reply);
}
