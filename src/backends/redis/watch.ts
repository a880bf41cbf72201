/**
 * Follows the server's keyspace notifications. They are sent in the order of the changes and arrive on one connection, so that
 * an answer to PING on the same connection comes after everything that happened before it was asked.
 */
import type { Redis } from "ioredis";
import type { RedisAddress, RedisNamespace } from "../../config/redis.js";
import { CachewardenError } from "../../core/errors.js";
import type { SourceListener } from "../entry-source.js";
import { RedisConnection } from "./connection.js";
import { globOf, namespaceOf } from "./key-forms.js";
import { isRefusal, notificationsOf } from "./notifications.js";

const CALL_MS = 5_000;
const BARRIER_MS = 2_000;

export interface KeyWatchOptions {
	readonly address: RedisAddress;
	readonly namespaces: readonly RedisNamespace[];
	/** Turn notifications on where the server has none. */
	readonly setNotifications: boolean;
}

export class KeyWatch {
	private readonly connection: RedisConnection;
	private readonly waiting = new Map<string, Set<string>>();
	private listener: SourceListener | null = null;
	/** Subscribed on the connection as it is now. */
	private live = false;
	private lost = false;
	private flushing = false;

	constructor(private readonly options: KeyWatchOptions) {
		this.connection = new RedisConnection(options.address, { name: "cachewarden-watch", noTouch: false });
		const { client } = this.connection;
		client.on("pmessage", (_pattern: string, channel: string) => this.note(channel));
		client.on("close", () => {
			if (this.live) this.lose(`the connection to ${this.connection.location} was lost`);
		});
		client.on("ready", () => void (this.lost && this.resume()));
	}

	/** Why changes can't be followed, for each namespace; null where they can. */
	async start(listener: SourceListener): Promise<ReadonlyMap<string, string | null>> {
		this.listener = listener;
		const problem = await this.subscribe();
		return new Map(this.options.namespaces.map(({ name }) => [name, problem]));
	}

	/** Something happened that no notification tells. */
	missed(reason: string): void {
		if (this.live) this.listener?.broken(null, reason);
	}

	/** Asks on the connection that notifications come on, whether there still are any. */
	async barrier(): Promise<boolean> {
		if (!this.live) {
			if (this.lost) await this.resume();
			return false;
		}
		try {
			const problem = await this.connection.attempt(BARRIER_MS, (client) => this.problemOf(client as Redis, false));
			this.flush();
			if (problem !== null && this.live) this.lose(problem);
			return this.live;
		} catch {
			return false;
		}
	}

	close(): Promise<void> {
		this.listener = null;
		return this.connection.close();
	}

	private async subscribe(): Promise<string | null> {
		if (this.connection.isCluster) return "a Cluster's notifications stay on their nodes; changes are found by scanning";
		const problem = await this.connection.call(CALL_MS, (client) => this.problemOf(client as Redis, this.options.setNotifications));
		if (problem !== null) return problem;
		const { namespaces, address } = this.options;
		const patterns = namespaces.map(({ keys }) => `__keyspace@${address.database}__:${globOf(keys)}`);
		try {
			await this.connection.call(CALL_MS, (client) => (client as Redis).psubscribe(...patterns));
		} catch (error) {
			if (error instanceof CachewardenError && error.code === "PERMISSION_DENIED") return error.message;
			throw error;
		}
		this.live = true;
		return null;
	}

	/** Nothing is followed any more: what happens from now on is missed. */
	private lose(reason: string): void {
		this.live = false;
		this.lost = true;
		this.listener?.broken(null, reason);
	}

	/** What happened while nobody listened is only known to a scan. */
	private async resume(): Promise<void> {
		try {
			const problem = await this.subscribe();
			this.lost = false;
			this.listener?.broken(null, problem ?? `the connection to ${this.connection.location} is back`);
		} catch {
			// It is tried again when the connection is ready the next time.
		}
	}

	private async problemOf(client: Redis, maySet: boolean): Promise<string | null> {
		const found = await notificationsOf(client);
		if (found.state === "on") return null;
		if (found.state === "hidden")
			return "CONFIG GET is not allowed, so that nobody knows whether notifications are on; allow config|get in the server's ACL";
		const { flags, wanted } = found;
		const remedy = `CONFIG SET notify-keyspace-events ${wanted}`;
		if (!maySet) return `notify-keyspace-events is "${flags}"; ${remedy}, or set redis.setNotifications to true`;
		try {
			await client.config("SET", "notify-keyspace-events", wanted);
			return null;
		} catch (error) {
			if (!isRefusal(error)) throw error;
			return `notify-keyspace-events is "${flags}", and this user may not change it; ${remedy} as an administrator`;
		}
	}

	/** Changes of one turn of the loop go together. */
	private note(channel: string): void {
		const key = channel.slice(channel.indexOf(":") + 1);
		const place = namespaceOf(key, this.options.namespaces)?.name;
		if (place === undefined) return;
		const keys = this.waiting.get(place);
		if (keys) keys.add(key);
		else this.waiting.set(place, new Set([key]));
		if (this.flushing) return;
		this.flushing = true;
		setImmediate(() => {
			this.flushing = false;
			this.flush();
		});
	}

	private flush(): void {
		const told = [...this.waiting];
		this.waiting.clear();
		for (const [place, keys] of told) this.listener?.changed(place, [...keys]);
	}
}
