import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ConfigError } from "../../src/config/faults.js";
import { loadConfig } from "../../src/config/load.js";
import { redactConfig } from "../../src/config/redact.js";
import { listSettings } from "../../src/config/schema.js";

let cwd: string;
beforeEach(() => {
	cwd = mkdtempSync(join(tmpdir(), "cw-config-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function yaml(text: string, name = "cachewarden.yaml"): void {
	writeFileSync(join(cwd, name), text);
}

function faultsOf(env: Record<string, string>): ConfigError {
	try {
		loadConfig({ env, cwd });
	} catch (error) {
		if (error instanceof ConfigError) return error;
		throw error;
	}
	throw new Error("the configuration was accepted");
}

const culprits = (error: ConfigError): string[] => error.faults.map((fault) => fault.culprit).sort();

describe("configuration", () => {
	it("runs on defaults alone", () => {
		const config = loadConfig({ env: {}, cwd });
		expect(config).toMatchObject({
			host: "127.0.0.1",
			port: 4000,
			cache: {
				roots: [{ name: "cache", path: join(cwd, "data/cache"), layout: "auto" }],
				maxBytes: null,
				timesToLiveHours: { us: { stock_data: 2, news: 6, fundamentals: 24 }, china: { stock_data: 1, news: 4, fundamentals: 12 } },
			},
			python: { roots: [], searchAll: false },
			dataDir: join(cwd, "data/cachewarden"),
			catalog: { reconcileEverySeconds: 600, watch: true },
			jobs: { concurrency: 2, concurrencyPerUser: 3, keepDays: 30 },
			audit: { secret: null, keepDays: 365 },
			auth: { jwtSecret: null, defaultRole: "VIEWER", users: {} },
			trustProxy: [],
			rateLimits: { perUser: 1200, perAddress: 2400, local: false },
			limits: { depth: 12, aliases: 30, tokens: 2000, complexity: 5000, bodyBytes: 1_048_576 },
		});
		expect(config.cache.timeZone).toBe(new Intl.DateTimeFormat().resolvedOptions().timeZone);
	});

	it("takes the environment before the file, and the file before defaults", () => {
		yaml("port: 4100\nhost: localhost\njobs: { concurrency: 7 }\n");
		const config = loadConfig({ env: { PORT: "4200" }, cwd });
		expect(config.port).toBe(4200);
		expect(config.host).toBe("localhost");
		expect(config.jobs.concurrency).toBe(7);
	});

	it("takes proxies by address, subnet and name, and nothing that trusts everybody", () => {
		const trusted = (TRUST_PROXY: string): readonly string[] => loadConfig({ env: { TRUST_PROXY }, cwd }).trustProxy;
		expect(trusted("loopback, 10.0.0.0/8,2001:db8::1")).toEqual(["loopback", "10.0.0.0/8", "2001:db8::1"]);
		yaml("trustProxy: uniquelocal\nrateLimits: { perUser: 0 }\n");
		expect(loadConfig({ env: {}, cwd })).toMatchObject({ trustProxy: ["uniquelocal"], rateLimits: { perUser: 0, perAddress: 2400 } });
		for (const wrong of ["true", "1", "*", "0.0.0.0/0", "::/0", "proxy.example", "10.0.0.0/8/8", "10.0.0/8"])
			expect(culprits(faultsOf({ TRUST_PROXY: wrong }))).toEqual(["TRUST_PROXY"]);
	});

	it("counts empty variables and empty keys as left out", () => {
		yaml("host:\ncache:\n  maxBytes: ~\n");
		const config = loadConfig({ env: { PORT: "", CACHE_MAX_BYTES: "  ", REDIS_URL: "", CONFIG_FILE: "" }, cwd });
		expect(config).toMatchObject({ host: "127.0.0.1", port: 4000, cache: { maxBytes: null } });
	});

	it("names every fault at once, with its culprit", () => {
		yaml("jobs:\n  concurrency: none\ncatalog:\n  watch: maybe\nprot: 1\n");
		const error = faultsOf({
			PORT: "70000",
			HOST: "0.0.0.0",
			CACHE_LAYOUT: "tree",
			CACHE_TIMEZONE: "Mars/Olympus",
			CACHE_MAX_BYTES: "-5",
			CORS_ORIGINS: "*,https://a.example/",
			REDIS_URL: "localhost:6379",
			MONGODB_URI: "localhost:27017",
			QUEUE_REDIS_URL: "localhost",
			AUDIT_MONGODB_URI: "localhost:27017",
			AUTH_DEFAULT_ROLE: "root",
			JWT_JWKS_URI: "ftp://keys.example",
			LOG_LEVEL: "loud",
			TRUST_PROXY: "loopback,10.0.0.0/33",
			RATE_LIMIT_PER_USER: "-1",
			RATE_LIMIT_LOCAL: "perhaps",
		});
		expect(culprits(error)).toEqual(
			[
				"AUDIT_MONGODB_URI",
				"AUTH_DEFAULT_ROLE",
				"CACHE_LAYOUT",
				"CACHE_MAX_BYTES",
				"CACHE_TIMEZONE",
				"CORS_ORIGINS",
				"JWT_JWKS_URI",
				"LOG_LEVEL",
				"RATE_LIMIT_PER_USER",
				"RATE_LIMIT_LOCAL",
				"TRUST_PROXY",
				"MONGODB_URI",
				"PORT",
				"QUEUE_REDIS_URL",
				"REDIS_URL",
				"cachewarden.yaml: catalog.watch",
				"cachewarden.yaml: jobs.concurrency",
				"cachewarden.yaml: prot",
			].sort(),
		);
		for (const line of error.text("en").split("\n").slice(1)) expect(line).toMatch(/: .+; .+/);
	});

	it("says what is wrong and how to mend it in both languages", () => {
		const error = faultsOf({ PORT: "4000x" });
		expect(error.text("en")).toContain('PORT = "4000x": must be a whole number from 0 to 65535; correct it, or leave it out for 4000');
		expect(error.text("zh")).toContain('PORT = "4000x"：必须是 0 到 65535 之间的整数；请更正，或省略以使用 4000');
	});

	it.each(["-1", "65536", "1.5", "0x10", "4e3", "NaN"])("refuses the port %s", (port) => {
		expect(culprits(faultsOf({ PORT: port }))).toEqual(["PORT"]);
	});

	it("takes port 0 for a free one", () => {
		expect(loadConfig({ env: { PORT: "0" }, cwd }).port).toBe(0);
	});

	it("suggests the nearest name for an unknown key, also in a section", () => {
		yaml("cache:\n  time_zone: UTC\n  layuot: plain\nzzz: 1\n");
		const text = faultsOf({}).text("en");
		expect(text).toContain("cachewarden.yaml: cache.time_zone: there is no such setting; did you mean timeZone?");
		expect(text).toContain("did you mean layout?");
		expect(text).toContain("cachewarden.yaml: zzz: there is no such setting; remove it");
	});

	it("points at the line of broken YAML, and still reports the environment's faults", () => {
		yaml("port: 1\nport: 2\n");
		const error = faultsOf({ PORT: "x" });
		expect(error.text("en")).toMatch(/cachewarden\.yaml: line 2, column \d+ is not YAML/);
		expect(culprits(error)).toContain("PORT");
	});

	it("refuses a file that is named and not there, or that holds no settings", () => {
		expect(faultsOf({ CONFIG_FILE: "other.yaml" }).faults[0]).toMatchObject({
			culprit: "CONFIG_FILE",
			what: { key: "config.fileMissing", facts: { path: join(cwd, "other.yaml") } },
		});
		yaml("- a\n- b\n", "list.yaml");
		expect(faultsOf({ CONFIG_FILE: "list.yaml" }).faults[0]?.what.key).toBe("config.yamlNotMap");
	});

	it("names a section that is not one even when the environment sets a part of it", () => {
		yaml("cache: 5\n");
		expect(culprits(faultsOf({ CACHE_LAYOUT: "plain" }))).toEqual(["cachewarden.yaml: cache"]);
	});

	it("never shows a secret, neither in a fault nor in the configuration", () => {
		expect(faultsOf({ JWT_SECRET: "hunter2", AUDIT_SECRET: "abc" }).message).not.toMatch(/hunter2|abc/);
		const config = loadConfig({ env: { JWT_SECRET: "a-secret-of-mine", AUDIT_SECRET: "another-secret" }, cwd });
		expect(config.auth.jwtSecret).toBe("a-secret-of-mine");
		expect(JSON.stringify(redactConfig(config))).not.toMatch(/a-secret-of-mine|another-secret/);
		expect(redactConfig(loadConfig({ env: {}, cwd })).auth.jwtSecret).toBeNull();
	});

	it("refuses to be reached from elsewhere with a secret that it made itself", () => {
		expect(culprits(faultsOf({ HOST: "0.0.0.0" }))).toEqual(["HOST"]);
		expect(culprits(faultsOf({ HOST: "::" }))).toEqual(["HOST"]);
		expect(loadConfig({ env: { HOST: "0.0.0.0", JWT_SECRET: "long enough to count" }, cwd }).host).toBe("0.0.0.0");
		for (const host of ["localhost", "127.0.0.2", "::1"]) expect(loadConfig({ env: { HOST: host }, cwd }).host).toBe(host);
		// A secret that is wrong is not a secret that is missing.
		expect(culprits(faultsOf({ HOST: "0.0.0.0", JWT_SECRET: "short" }))).toEqual(["JWT_SECRET"]);
	});

	it("takes public keys that tokens can be checked with, also with escaped line breaks", () => {
		const pem = (type: "ed25519" | "ec" | "rsa", bits = 2048): string => {
			const pair =
				type === "rsa"
					? generateKeyPairSync("rsa", { modulusLength: bits })
					: type === "ec"
						? generateKeyPairSync("ec", { namedCurve: "P-256" })
						: generateKeyPairSync("ed25519");
			return pair.publicKey.export({ type: "spki", format: "pem" }).toString();
		};
		for (const key of [pem("ed25519"), pem("ec"), pem("rsa")]) {
			expect(loadConfig({ env: { JWT_PUBLIC_KEY: key.replaceAll("\n", "\\n") }, cwd }).auth.jwtPublicKey).toBe(key);
		}
		const { privateKey } = generateKeyPairSync("ed25519");
		const wrong = [pem("rsa", 1024), privateKey.export({ type: "pkcs8", format: "pem" }).toString(), "-----BEGIN PUBLIC KEY-----\nAAAA"];
		for (const key of wrong) expect(culprits(faultsOf({ JWT_PUBLIC_KEY: key }))).toEqual(["JWT_PUBLIC_KEY"]);
		expect(culprits(faultsOf({ JWT_PUBLIC_KEY: pem("ec"), JWT_JWKS_URI: "https://keys.example/jwks" }))).toEqual(["JWT_PUBLIC_KEY"]);
	});

	it("takes exact origins only", () => {
		expect(loadConfig({ env: { CORS_ORIGINS: "https://a.example, http://localhost:5173" }, cwd }).corsOrigins).toEqual([
			"https://a.example",
			"http://localhost:5173",
		]);
		for (const origin of ["*", "https://a.example/", "https://*.example", "null", "a.example", "https://A.example"])
			expect(culprits(faultsOf({ CORS_ORIGINS: origin }))).toEqual(["CORS_ORIGINS"]);
	});
});

describe("cache roots", () => {
	it("are several in one variable, each with a name of its own", () => {
		const { roots } = loadConfig({ env: { CACHE_DIR: "a/cache, b/cache ,/srv/other", CACHE_LAYOUT: "plain" }, cwd }).cache;
		expect(roots).toEqual([
			{ name: "cache", path: join(cwd, "a/cache"), layout: "plain" },
			{ name: "cache-2", path: join(cwd, "b/cache"), layout: "plain" },
			{ name: "other", path: "/srv/other", layout: "plain" },
		]);
	});

	it("take names and layouts from the file, relative to the file", () => {
		yaml("cache:\n  layout: metadata\n  roots:\n    - one\n    - { path: two, name: 行情, layout: pickle }\n", "conf.yaml");
		const { roots } = loadConfig({ env: { CONFIG_FILE: join(cwd, "conf.yaml") }, cwd: "/" }).cache;
		expect(roots).toEqual([
			{ name: "one", path: join(cwd, "one"), layout: "metadata" },
			{ name: "行情", path: join(cwd, "two"), layout: "pickle" },
		]);
	});

	it("must not share a name, lie in each other, hold the data folder, or be a whole disk", () => {
		yaml("cache:\n  roots: [{ path: a, name: x }, { path: b, name: x }]\n");
		expect(faultsOf({}).faults.map((fault) => fault.what.key)).toEqual(["config.rootsSameName"]);
		const keys = (env: Record<string, string>) => faultsOf(env).faults.map((fault) => fault.what.key);
		expect(keys({ CACHE_DIR: "a,a/b" })).toEqual(["config.rootsOverlap"]);
		expect(keys({ CACHE_DIR: "data" })).toEqual(["config.dataDirInRoot"]);
		expect(keys({ CACHE_DIR: "d/state/cache", DATA_DIR: "d/state" })).toEqual(["config.dataDirInRoot"]);
		expect(keys({ CACHE_DIR: "/", DATA_DIR: "d" })).toEqual(["config.rootTooWide", "config.dataDirInRoot"]);
		expect(keys({ CACHE_DIR: ",", PYTHON_ROOTS: "p,p/q" })).toEqual(["config.expected.cacheRoots", "config.rootsOverlap"]);
		// Names that merely begin alike are apart.
		expect(loadConfig({ env: { CACHE_DIR: "a,ab,..b" }, cwd }).cache.roots).toHaveLength(3);
	});

	it("keep the other times to live when the file changes one", () => {
		yaml("cache: { timesToLiveHours: { us: { news: 0.5, filings: 48 } } }\n");
		expect(loadConfig({ env: {}, cwd }).cache.timesToLiveHours.us).toEqual({ stock_data: 2, news: 0.5, fundamentals: 24, filings: 48 });
		yaml("cache: { timesToLiveHours: { us: { news: 0 } } }\n");
		expect(culprits(faultsOf({}))).toEqual(["cachewarden.yaml: cache.timesToLiveHours.us"]);
	});
});

describe("the list of settings", () => {
	it("documents each in both languages, and its default passes its own check", () => {
		const settings = listSettings();
		expect(settings.map((setting) => setting.facts.env).filter(Boolean)).toEqual(
			expect.arrayContaining(["HOST", "PORT", "CACHE_DIR", "DATA_DIR", "JWT_SECRET", "CORS_ORIGINS", "AUTH_DEFAULT_ROLE"]),
		);
		for (const { facts } of settings) {
			expect(facts.doc.en).not.toBe("");
			expect(facts.doc.zh).toMatch(/\p{Script=Han}/u);
		}
		expect(() => loadConfig({ env: {}, cwd })).not.toThrow();
	});

	it("takes users and their roles from the file", () => {
		yaml("users:\n  alice: ADMIN\n  __proto__: VIEWER\n");
		const { users } = loadConfig({ env: {}, cwd }).auth;
		expect(users.alice).toBe("ADMIN");
		yaml("users: { bob: KING }\n");
		expect(culprits(faultsOf({}))).toEqual(["cachewarden.yaml: users"]);
	});
});
