/** Faults S5 and S6: forged tokens, and key servers that turn, lie or are away. */
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { base64url, exportJWK, type JWTHeaderParameters, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { type Authenticator, openAuthenticator } from "../../src/auth/authenticator.js";
import { signToken } from "../../src/auth/sign-token.js";
import type { Config } from "../../src/config/config.js";
import { eventually } from "../testkit/eventually.js";
import { AUTH, SECRET } from "../testkit/http-server.js";
import { KeyServerDouble } from "../testkit/key-server.js";

const NOW = Date.UTC(2026, 10, 22);
const NOW_S = NOW / 1000;
const MINUTE_MS = 60_000;

let now = NOW;
const clock = { now: () => now };
const warnings: object[] = [];
const log = { warn: (facts: object) => warnings.push(facts) };
beforeEach(() => {
	now = NOW;
	warnings.length = 0;
});

function open(config: Partial<Config["auth"]> = {}, secret: string | null = SECRET): Authenticator {
	return openAuthenticator({ ...AUTH, ...config }, { secret, clock, log });
}

type Key = Parameters<SignJWT["sign"]>[0];

function sign(claims: JWTPayload, key: Key = Buffer.from(SECRET), header: Partial<JWTHeaderParameters> = {}): Promise<string> {
	return new SignJWT({ sub: "alice", exp: NOW_S + 3600, ...claims }).setProtectedHeader({ alg: "HS256", ...header }).sign(key);
}

/** A token with every part as given, signed by nobody. */
function forge(header: object, claims: object, signature = ""): string {
	return `${[header, claims].map((part) => base64url.encode(JSON.stringify(part))).join(".")}.${signature}`;
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const rsaPem = String(rsa.publicKey.export({ type: "spki", format: "pem" }));
const valid = { sub: "alice", exp: NOW_S + 3600 };

describe("a token is refused", () => {
	it.each<[string, Partial<Config["auth"]>, () => Promise<string> | string]>([
		["that is none", {}, () => "not a token"],
		["that is empty", {}, () => ""],
		["that is not signed (alg none)", {}, () => new UnsecuredJWT(valid).encode()],
		["whose alg none is written otherwise", {}, () => forge({ alg: "nOnE" }, valid)],
		["that was signed with the public key as a secret", { jwtPublicKey: rsaPem }, () => sign({}, Buffer.from(rsaPem))],
		["of another secret", {}, () => sign({}, Buffer.from("another secret that is long enough"))],
		[
			"that was changed after it was signed",
			{},
			async () => (await sign({})).replace(/\.[^.]+\./, `.${base64url.encode(JSON.stringify({ ...valid, roles: ["ADMIN"] }))}.`),
		],
		["with a kid that is a path to an empty file", {}, () => sign({}, Buffer.from("\0"), { kid: "../../../../dev/null" })],
		["with a kid that is SQL", {}, () => sign({}, Buffer.from("x"), { kid: "' UNION SELECT 'x" })],
		["without an end", {}, () => sign({ exp: undefined as never })],
		["that has ended", {}, () => sign({ exp: NOW_S })],
		["that has not begun", {}, () => sign({ nbf: NOW_S + 60 })],
		["without a subject", {}, () => sign({ sub: undefined as never })],
		["with an empty subject", {}, () => sign({ sub: "" })],
		["of another issuer", { issuer: "https://us" }, () => sign({ iss: "https://them" })],
		["without the issuer that is required", { issuer: "https://us" }, () => sign({})],
		["for another audience", { audience: "cachewarden" }, () => sign({ aud: "billing" })],
		["with a critical extension that nobody knows", {}, () => forge({ alg: "HS256", crit: ["x"], x: 1 }, valid, "AA")],
		["of a stronger algorithm of the same secret", {}, () => sign({}, Buffer.from(SECRET), { alg: "HS512" })],
		["that is 100,000 characters long", {}, () => sign({ text: "x".repeat(100_000) })],
	])("S5: %s", async (_why, config, token) => {
		await expect(open(config).authenticate(await token())).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
	});

	it("S5: whose jku names a key server of the attacker's, which is never asked", async () => {
		const evil = await KeyServerDouble.start();
		const token = await sign({}, await evil.addKey("evil"), { alg: "RS256", kid: "evil", jku: evil.url, x5u: evil.url });
		await expect(open({ jwtPublicKey: rsaPem }).authenticate(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
		expect(evil.requests).toBe(0);
		await evil.close();
	});

	it("S5: which carries its own key", async () => {
		const own = generateKeyPairSync("rsa", { modulusLength: 2048 });
		const token = await sign({}, own.privateKey, { alg: "RS256", jwk: await exportJWK(own.publicKey) });
		await expect(open({ jwtPublicKey: rsaPem }).authenticate(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
	});

	it("as soon as it ends, although it was just accepted", async () => {
		const authenticator = open();
		const token = await sign({ exp: NOW_S + 10 });
		await authenticator.authenticate(token);
		now += 10_000;
		await expect(authenticator.authenticate(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
	});
});

describe("a token is accepted", () => {
	it("of the original system: sub and exp, nothing else", async () => {
		const actor = await open().authenticate(await sign({}));
		expect(actor).toEqual({ id: "alice", username: "alice", roles: ["VIEWER"], tokenExpiresAt: NOW + 3_600_000, sessionId: null });
	});

	it.each<[string, JWTPayload, string[]]>([
		["roles", { roles: ["ADMIN", "OPERATOR"] }, ["OPERATOR", "ADMIN"]],
		["role", { role: "operator" }, ["OPERATOR"]],
		["scope", { scope: "openid ADMIN" }, ["ADMIN"]],
		["the configuration, when its scope has none", { scope: "openid profile" }, ["OPERATOR"]],
		["the configuration, when it states none", {}, ["OPERATOR"]],
		["nowhere, when it states roles of something else", { roles: ["billing"] }, []],
	])("with roles from %s", async (_where, claims, roles) => {
		const authenticator = open({ users: { alice: "OPERATOR" }, defaultRole: "ADMIN" });
		expect((await authenticator.authenticate(await sign(claims))).roles).toEqual(roles);
	});

	it("with the default role where the configuration does not name its user", async () => {
		const authenticator = open({ users: { alice: "OPERATOR" }, defaultRole: "ADMIN" });
		expect((await authenticator.authenticate(await sign({ sub: "constructor" }))).roles).toEqual(["ADMIN"]);
	});

	it("with its name and session", async () => {
		const actor = await open().authenticate(await sign({ username: "Alice", name: "A.", jti: "s1" }));
		expect(actor).toMatchObject({ id: "alice", username: "Alice", sessionId: "s1" });
	});

	it("that `signToken` made, for the issuer and audience that are required", async () => {
		now = Date.now();
		const authenticator = open({ issuer: "us", audience: "cachewarden" });
		const token = await signToken(SECRET, { user: "bob", roles: ["ADMIN"], expiresIn: "8h", issuer: "us", audience: "cachewarden" });
		const actor = await authenticator.authenticate(token);
		expect(actor).toMatchObject({ id: "bob", roles: ["ADMIN"] });
		expect((actor.tokenExpiresAt ?? 0) - now).toBeGreaterThan(8 * 3_600_000 - 5_000);
	});

	it.each([
		["RS256", rsa],
		["ES256", generateKeyPairSync("ec", { namedCurve: "P-256" })],
		["EdDSA", generateKeyPairSync("ed25519")],
	])("of a public key: %s", async (alg, { publicKey, privateKey }) => {
		const authenticator = open({ jwtPublicKey: String(publicKey.export({ type: "spki", format: "pem" })) }, null);
		expect(await authenticator.authenticate(await sign({}, privateKey, { alg }))).toMatchObject({ id: "alice" });
		await expect(authenticator.authenticate(await sign({}))).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
	});
});

describe("keys of a key server", () => {
	let keys: KeyServerDouble;
	let authenticator: Authenticator;
	const signWith = async (kid: string, claims: JWTPayload = {}) =>
		sign({ jti: randomUUID(), ...claims }, keys.privateKey(kid), { alg: "RS256", kid });

	beforeAll(async () => {
		keys = await KeyServerDouble.start();
		await keys.addKey("first");
	});
	beforeEach(() => {
		keys.requests = 0;
		authenticator = open({ jwksUri: keys.url }, null);
	});
	afterAll(() => keys.close());

	it("S6: many tokens at once are one request", async () => {
		const tokens = await Promise.all(Array.from({ length: 20 }, () => signWith("first")));
		await Promise.all(tokens.map((token) => authenticator.authenticate(token)));
		expect(keys.requests).toBe(1);
	});

	it("S6: a thousand tokens that name unknown keys are at most one request in 30 s", async () => {
		await authenticator.authenticate(await signWith("first"));
		const known = await signWith("first");
		const stranger = generateKeyPairSync("ed25519").privateKey;
		const tokens = await Promise.all(Array.from({ length: 1_000 }, () => sign({}, stranger, { alg: "EdDSA", kid: randomUUID() })));
		for (let second = 0; second < 60; second++) {
			now = NOW + second * 1_000;
			const some = tokens.slice(second * 16, (second + 1) * 16);
			const results = await Promise.allSettled(some.map((token) => authenticator.authenticate(token)));
			expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["rejected"]));
		}
		expect(keys.requests).toBe(2);
		expect(await authenticator.authenticate(known)).toMatchObject({ id: "alice" });
	});

	it("S6: a new key is found within 30 s of its first use, and the old one goes on", async () => {
		await authenticator.authenticate(await signWith("first"));
		await keys.addKey("second");
		now += 30_000;
		await authenticator.authenticate(await signWith("second"));
		await authenticator.authenticate(await signWith("first"));
		expect(keys.requests).toBe(2);
	});

	it("S6: a key that was withdrawn stops working", async () => {
		await keys.addKey("leaked");
		const token = await signWith("leaked");
		await authenticator.authenticate(token);
		keys.removeKey("leaked");
		now += 11 * MINUTE_MS;
		await authenticator.authenticate(await signWith("first"));
		// A new token each time: one that was accepted while the keys were on their way is remembered for a while.
		await eventually(
			async () => expect(authenticator.authenticate(await signWith("leaked"))).rejects.toMatchObject({ code: "UNAUTHENTICATED" }),
			{ withinMs: 20_000 },
		);
	});

	it.each(["refuses connections", "answers with 500", "answers with nonsense", "hangs"] as const)(
		"S6: while the server %s for 20 minutes, known keys go on serving and it is asked at most twice a minute",
		async (how) => {
			await authenticator.authenticate(await signWith("first"));
			await keys.misbehave(how);
			for (let minute = 1; minute <= 20; minute++) {
				now = NOW + minute * MINUTE_MS;
				expect(await authenticator.authenticate(await signWith("first"))).toMatchObject({ id: "alice" });
			}
			await keys.behave();
			expect(keys.requests).toBeLessThanOrEqual(1 + 2 * 20);
		},
	);

	it("a server that never answered is the server's fault and not the token's", async () => {
		await keys.misbehave("answers with 500");
		await expect(authenticator.authenticate(await signWith("first"))).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE" });
		await keys.behave();
		expect(warnings).toHaveLength(1);
		now += 30_000;
		expect(await authenticator.authenticate(await signWith("first"))).toMatchObject({ id: "alice" });
	});
});
