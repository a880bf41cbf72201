import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import type { Role } from "../core/roles.js";
import { secretKey } from "./keys.js";

export interface TokenRequest {
	/** The user's id and name. */
	readonly user: string;
	readonly roles: readonly Role[];
	/** Seconds, or a span such as `8h` or `30 days`. */
	readonly expiresIn: number | string;
	/** What the server requires, when it does. */
	readonly issuer?: string | null;
	readonly audience?: string | null;
}

/** An HS256 token that this server accepts. */
export async function signToken(secret: string, { user, roles, expiresIn, issuer, audience }: TokenRequest): Promise<string> {
	const token = new SignJWT({ roles: [...roles] })
		.setProtectedHeader({ alg: "HS256", typ: "JWT" })
		.setSubject(user)
		.setIssuedAt()
		.setJti(randomUUID())
		.setExpirationTime(typeof expiresIn === "number" ? `${expiresIn}s` : expiresIn);
	if (issuer) token.setIssuer(issuer);
	if (audience) token.setAudience(audience);
	return await token.sign(secretKey(secret).key);
}
