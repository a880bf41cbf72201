/**
 * Real Redis-protocol servers, each private to its suite: on a free port, in a folder of its own, gone with `stop`. A suite
 * that imports this needs the service `redis` (scripts/test.mjs).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Redis, type RedisOptions } from "ioredis";
import { freePort } from "./free-port.js";
import { findAnyServer, findRedis, findValkey, type RedisProgram } from "./services/redis-programs.js";
import { type ServiceProcess, startProcess } from "./services/service-process.js";

export interface RedisServerOptions {
	/** Default: whichever can be had first. */
	readonly program?: RedisProgram;
	/** Lines of its configuration file, such as `{ "maxmemory-policy": "allkeys-lfu" }`. */
	readonly config?: Readonly<Record<string, string>>;
	/** ACL users beside the default one: name to rules, such as `on >secret ~* &* +@all -keys`. */
	readonly users?: Readonly<Record<string, string>>;
	/** What survives `kill` and `restart`; default: nothing. */
	readonly aof?: boolean;
	/** It is a sentinel, of the server with that port. */
	readonly sentinelOf?: number;
	/** It speaks TLS only, with the certificate that is its own authority: `TLS_CERTIFICATE`. */
	readonly tls?: boolean;
}

const TLS_FOLDER = fileURLToPath(new URL("../fixtures/redis/tls", import.meta.url));
export const TLS_CERTIFICATE = join(TLS_FOLDER, "server.crt");

type ConnectOptions = Omit<RedisOptions, "replyMapping">;

export interface RedisServer {
	readonly port: number;
	/** As the default user, who may do everything. */
	readonly url: string;
	/** A connection of the default user; closed with the server. */
	readonly client: Redis;
	/** The address for a user of `users`. */
	urlFor(user: string, password: string): string;
	/** Another connection; closed with the server. */
	connect(options?: ConnectOptions): Redis;
	/** SIGSTOP: it takes connections and answers nothing. */
	freeze(): void;
	thaw(): void;
	/** SIGKILL, awaited. */
	kill(): Promise<void>;
	/** Starts it again, on the same port and folder. */
	restart(): Promise<void>;
	/** Ends it and removes its folder. */
	stop(): Promise<void>;
}

/** ACL rules under which tests run the program: everything but what it must never send. The password is `secret`. */
export const NO_KEYS_NO_FLUSH = "on >secret ~* &* +@all -keys -flushdb -flushall";

/**
 * The programs that can be had here: both, or that one which can. The suite fails with one line when there is none, unless
 * TEST_REDIS_URL names a server that is there already.
 */
export async function redisPrograms(): Promise<readonly RedisProgram[]> {
	if (!process.env.TEST_REDIS_URL) await findAnyServer();
	const programs: RedisProgram[] = [];
	for (const [program, find] of [
		["valkey-server", findValkey],
		["redis-server", findRedis],
	] as const) {
		try {
			await find();
			programs.push(program);
		} catch (error) {
			console.warn(`${program} is left out: ${(error as Error).message}`);
		}
	}
	return programs;
}

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
	const program = await { "redis-server": findRedis, "valkey-server": findValkey, any: findAnyServer }[options.program ?? "any"]();
	for (let attempt = 1; ; attempt++) {
		const server = new PrivateServer(program, await freePort(), options);
		try {
			await server.restart();
			return server;
		} catch (error) {
			await server.stop();
			// Another program may have taken the port since it was found free.
			if (attempt === MAX_STARTS) throw error;
		}
	}
}

const MAX_STARTS = 3;

class PrivateServer implements RedisServer {
	readonly url: string;
	readonly client: Redis;
	private readonly folder = mkdtempSync(join(tmpdir(), "cachewarden-redis-"));
	private readonly connections: Redis[] = [];
	private process: ServiceProcess | null = null;

	constructor(
		private readonly program: string,
		readonly port: number,
		private readonly options: RedisServerOptions,
	) {
		this.url = `${options.tls ? "rediss" : "redis"}://127.0.0.1:${port}/0`;
		this.client = this.connect({ lazyConnect: true });
	}

	urlFor(user: string, password: string): string {
		return `redis://${user}:${password}@127.0.0.1:${this.port}/0`;
	}

	connect(options: ConnectOptions = {}): Redis {
		const client = new Redis(this.url, {
			maxRetriesPerRequest: null,
			retryStrategy: () => 50,
			disconnectTimeout: 100,
			...(this.options.tls ? { tls: { ca: readFileSync(TLS_CERTIFICATE) } } : {}),
			...options,
		});
		// It is tried again; what matters of it shows in the commands.
		client.on("error", () => undefined);
		this.connections.push(client);
		return client;
	}

	freeze(): void {
		this.process?.signal("SIGSTOP");
	}

	thaw(): void {
		this.process?.signal("SIGCONT");
	}

	async kill(): Promise<void> {
		await this.process?.stop();
		this.process = null;
	}

	async restart(): Promise<void> {
		await this.kill();
		const { config = {}, users = {}, aof = false, sentinelOf, tls = false } = this.options;
		const settings = {
			port: tls ? "0" : String(this.port),
			...(tls ? this.tlsSettings() : {}),
			...(sentinelOf === undefined ? {} : { sentinel: `monitor mymaster 127.0.0.1 ${sentinelOf} 1` }),
			bind: "127.0.0.1",
			dir: this.folder,
			save: '""',
			appendonly: aof ? "yes" : "no",
			appendfsync: "always",
			...config,
		};
		const lines = [
			...Object.entries(settings).map(([name, value]) => `${name} ${value}`),
			...Object.entries(users).map(([name, rules]) => `user ${name} ${rules}`),
		];
		const file = join(this.folder, "server.conf");
		writeFileSync(file, `${lines.join("\n")}\n`);
		this.process = startProcess(this.program, sentinelOf === undefined ? [file] : [file, "--sentinel"]);
		await this.process.printed(/eady to accept connections|Sentinel ID is/);
	}

	private tlsSettings(): Record<string, string> {
		return {
			"tls-port": String(this.port),
			"tls-cert-file": TLS_CERTIFICATE,
			"tls-key-file": join(TLS_FOLDER, "server.key"),
			"tls-ca-cert-file": TLS_CERTIFICATE,
			"tls-auth-clients": "no",
		};
	}

	async stop(): Promise<void> {
		for (const connection of this.connections) connection.disconnect();
		await this.kill();
		rmSync(this.folder, { recursive: true, force: true });
	}
}
