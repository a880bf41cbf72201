/**
 * A connection that is made when it is first needed, comes back by itself, and never lets anybody wait for longer than they
 * said: to one server, to whichever a group of sentinels names, or to all masters of a Cluster.
 */
import { readFileSync } from "node:fs";
import { Cluster, type CommonRedisOptions, Redis } from "ioredis";
import { type RedisAddress, redisLocation } from "../../config/redis.js";
import { CachewardenError } from "../../core/errors.js";
import { LateAnswer, LostConnection, redisFailure } from "./failures.js";
import { isTooOld, MIN_MAJOR, parseInfo, type ServerFacts } from "./server-facts.js";

const CONNECT_MS = 1_500;
/** A handshake that takes longer is begun anew. */
const HANDSHAKE_MS = 5_000;
const MAX_RETRY_MS = 1_000;

export type Client = Redis | Cluster;

export interface ConnectionOptions {
	/** Shown in the server's list of clients. */
	readonly name: string;
	/** Commands of this connection leave idle times as they are, where the server can do that. */
	readonly noTouch: boolean;
}

export class RedisConnection {
	readonly location: string;
	readonly isCluster: boolean;
	/** What is read on it does not count as a use; known once it was made. */
	leavesIdleTimes = false;
	/** Emits the driver's events. */
	readonly client: Client;
	private prepared: Promise<ServerFacts> | null = null;
	private failure: Error | null = null;
	private closed = false;

	constructor(
		address: RedisAddress,
		private readonly options: ConnectionOptions,
	) {
		this.location = redisLocation(address);
		this.isCluster = address.kind === "cluster";
		this.client = makeClient(address, options.name);
		this.client.on("error", (error: Error) => {
			// What follows a wrong password is said about the same mistake.
			if (!error.message.startsWith("NOAUTH") || this.failure === null) this.failure = isLate(error) ? new LateAnswer() : error;
		});
		this.client.on("close", () => {
			this.prepared = null;
		});
		this.client.on("ready", () => {
			this.failure = null;
		});
		// Nodes of a Cluster come and go without the whole being closed.
		this.client.on("+node", (node: Redis) => {
			this.prepared = null;
			node.on("ready", () => {
				this.prepared = null;
			});
		});
	}

	/**
	 * Does some work with the ready client.
	 *
	 * @throws {CachewardenError} BACKEND_UNAVAILABLE, BACKEND_TIMEOUT or PERMISSION_DENIED, at the latest after `withinMs`
	 */
	async call<T>(withinMs: number, work: (client: Client) => Promise<T>): Promise<T> {
		try {
			return await this.attempt(withinMs, work);
		} catch (error) {
			throw redisFailure(error, this.location);
		}
	}

	/** The same, rejecting with what was thrown: whoever wants to know whether the connection was lost on the way. */
	async attempt<T>(withinMs: number, work: (client: Client) => Promise<T>): Promise<T> {
		const deadline = performance.now() + withinMs;
		await this.ready(Math.min(withinMs, CONNECT_MS));
		return this.bounded(work(this.client), deadline - performance.now());
	}

	/** Of the server, asked when the connection was made; of a Cluster, of one of its masters. */
	async facts(withinMs: number): Promise<ServerFacts> {
		try {
			return await this.ready(withinMs);
		} catch (error) {
			throw redisFailure(error, this.location);
		}
	}

	/** Each server that holds keys. */
	servers(): readonly Redis[] {
		return this.client instanceof Cluster ? this.client.nodes("master") : [this.client];
	}

	async close(): Promise<void> {
		if (this.closed) return;
		this.closed = true;
		this.client.disconnect();
	}

	private async ready(withinMs: number): Promise<ServerFacts> {
		if (this.closed) throw new CachewardenError("CANCELLED");
		const deadline = performance.now() + withinMs;
		if (this.client.status !== "ready") await this.untilReady(withinMs);
		this.prepared ??= this.prepare();
		const facts = await this.bounded(this.prepared, deadline - performance.now());
		if (isTooOld(facts))
			throw new CachewardenError("BACKEND_UNAVAILABLE", {
				key: "error.redisTooOld",
				facts: { location: this.location, program: facts.program, version: facts.version ?? "?", min: MIN_MAJOR },
			});
		return facts;
	}

	private untilReady(withinMs: number): Promise<void> {
		const { client } = this;
		return new Promise((resolve, reject) => {
			const settle = (error: Error | null): void => {
				clearTimeout(timer);
				client.off("ready", onReady);
				client.off("close", onClose);
				client.off("end", onClose);
				if (error === null) resolve();
				else reject(error);
			};
			const onReady = (): void => settle(null);
			const onClose = (): void => settle(this.failure ?? new LostConnection());
			const timer = setTimeout(() => settle(this.failure ?? new LateAnswer()), withinMs);
			client.on("ready", onReady);
			client.on("close", onClose);
			client.on("end", onClose);
			if (client.status === "wait" || client.status === "end") client.connect().catch(() => undefined);
		});
	}

	private async prepare(): Promise<ServerFacts> {
		const { noTouch } = this.options;
		try {
			const told = await Promise.all(
				this.servers().map(async (server) => {
					// Unknown before Redis 7.2, and forbidden to some.
					if (noTouch) this.leavesIdleTimes = (await server.call("CLIENT", "NO-TOUCH", "ON").catch(refusedOnly)) === "OK";
					return server.info().catch(refusedOnly);
				}),
			);
			return parseInfo(told[0] ?? "");
		} catch (error) {
			this.prepared = null;
			throw error;
		}
	}

	/** Rejects with LateAnswer when time is up, and gives up the connection: nothing that comes on it can be trusted to be an answer. */
	private bounded<T>(work: Promise<T>, withinMs: number): Promise<T> {
		return new Promise((resolve, reject) => {
			const timer = setTimeout(
				() => {
					this.failure = new LateAnswer();
					if (!this.closed) this.client.disconnect(true);
					reject(this.failure);
				},
				Math.max(0, withinMs),
			);
			work.then(
				(value) => {
					clearTimeout(timer);
					resolve(value);
				},
				(error: Error) => {
					clearTimeout(timer);
					if (isLate(error)) reject(new LateAnswer());
					else if (isLoss(error) && this.failure instanceof LateAnswer) reject(this.failure);
					else reject(isLoss(error) ? new LostConnection(error.message, { cause: this.failure ?? error }) : error);
				},
			);
		});
	}
}

function refusedOnly(error: Error): undefined {
	if (isLoss(error)) throw error;
	return undefined;
}

/** So the driver says it of a server that takes connections and answers nothing. */
function isLate({ message }: Error): boolean {
	return message === "Command timed out";
}

function isLoss(error: Error): boolean {
	return (
		error.name === "MaxRetriesPerRequestError" || /^(Connection is closed|Stream isn't writeable)/.test(error.message) || "syscall" in error
	);
}

function makeClient(address: RedisAddress, name: string): Client {
	const { username, password, database, tls } = address;
	const retry = (attempts: number): number => Math.min(50 * 2 ** Math.min(attempts, 10), MAX_RETRY_MS);
	const options: Omit<CommonRedisOptions, "replyMapping"> & { tls?: { ca?: Buffer }; disconnectTimeout: number } = {
		...(username === null ? {} : { username }),
		...(password === null ? {} : { password }),
		...(tls === null ? {} : { tls: tls.caFile === null ? {} : { ca: readFileSync(tls.caFile) } }),
		connectionName: name,
		connectTimeout: CONNECT_MS,
		// A server that hangs does not say goodbye.
		disconnectTimeout: 200,
		commandTimeout: HANDSHAKE_MS,
		retryStrategy: retry,
		maxRetriesPerRequest: 0,
		autoResendUnfulfilledCommands: false,
		enableOfflineQueue: false,
		autoResubscribe: false,
		disableClientInfo: true,
		// After a failover the old master says so.
		reconnectOnError: (error) => error.message.startsWith("READONLY"),
	};
	if (address.kind === "cluster")
		return new Cluster([...address.nodes], {
			redisOptions: options,
			lazyConnect: true,
			enableOfflineQueue: false,
			clusterRetryStrategy: retry,
			slotsRefreshTimeout: CONNECT_MS,
		});
	if (address.kind === "single") return new Redis({ ...options, ...address.node, db: database, lazyConnect: true });
	return new Redis({
		...options,
		sentinels: [...address.sentinels],
		name: address.master,
		db: database,
		lazyConnect: true,
		sentinelRetryStrategy: retry,
		...(address.sentinelUsername === null ? {} : { sentinelUsername: address.sentinelUsername }),
		...(address.sentinelPassword === null ? {} : { sentinelPassword: address.sentinelPassword }),
		...(tls === null ? {} : { enableTLSForSentinelMode: true, sentinelTLS: options.tls ?? {} }),
	});
}
