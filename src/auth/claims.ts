import type { JWTPayload } from "jose";
import type { Config } from "../config/config.js";
import type { Actor } from "../core/actor.js";
import { ROLES, type Role } from "../core/roles.js";

/**
 * The actor of a token whose signature and times were checked. Roles: `roles` or `role`, else those among the words of `scope`,
 * else the configured ones of the user, else the default. A token that states roles which are none of ours has none.
 */
export function actorFrom(claims: JWTPayload, config: Pick<Config["auth"], "users" | "defaultRole">): Actor | null {
	const { sub, exp } = claims;
	if (typeof sub !== "string" || sub === "" || exp === undefined) return null;
	const username = [claims.username, claims.name, sub].find((name): name is string => typeof name === "string" && name !== "") ?? sub;
	const session = [claims.jti, claims.sid].find((id): id is string => typeof id === "string") ?? null;
	return { id: sub, username, roles: rolesFrom(claims, sub, config), tokenExpiresAt: exp * 1000, sessionId: session };
}

function rolesFrom(claims: JWTPayload, userId: string, config: Pick<Config["auth"], "users" | "defaultRole">): Role[] {
	const stated = claims.roles ?? claims.role;
	if (stated !== undefined && stated !== null) return known(Array.isArray(stated) ? stated : [stated]);
	const scoped = typeof claims.scope === "string" ? known(claims.scope.split(" ")) : [];
	if (scoped.length > 0) return scoped;
	return [Object.hasOwn(config.users, userId) ? (config.users[userId] ?? config.defaultRole) : config.defaultRole];
}

function known(names: readonly unknown[]): Role[] {
	return ROLES.filter((role) => names.some((name) => typeof name === "string" && name.toUpperCase() === role));
}
