import { once } from "node:events";
import { type AddressInfo, createServer, connect as open, type Server, type Socket } from "node:net";

/** Stands between a client and a server of this machine, and does to their connections what networks do. */
export interface TcpProxy {
	readonly port: number;
	/** Connections that are open now. */
	readonly connections: number;
	/** No one listens any more: connections are refused, and those that are open are reset. */
	refuse(): Promise<void>;
	/** Listens again, on the same port. */
	accept(): Promise<void>;
	/** Holds back everything, both ways, for so long; 0 ends it. */
	delay(ms: number): void;
	/** Connections stay open, and nothing passes. */
	freeze(): void;
	thaw(): void;
	/** Resets every connection that is open now. */
	reset(): void;
	/**
	 * So many times, what the client sends with this text in it reaches the server, and instead of the answer the client gets a
	 * reset connection. Resolves when that has happened so often.
	 */
	loseAnswersTo(text: string, times: number): Promise<void>;
	close(): Promise<void>;
}

export async function openTcpProxy(target: { readonly host?: string; readonly port: number }): Promise<TcpProxy> {
	const proxy = new ForwardingProxy(target.host ?? "127.0.0.1", target.port);
	await proxy.accept();
	return proxy;
}

class ForwardingProxy implements TcpProxy {
	port = 0;
	private server: Server | null = null;
	private readonly pairs = new Set<readonly [Socket, Socket]>();
	private delayMs = 0;
	private frozen = false;
	private losing: { readonly text: string; times: number; readonly done: () => void } | null = null;
	/** Connections whose next answer is lost. */
	private readonly doomed = new Set<readonly [Socket, Socket]>();

	constructor(
		private readonly host: string,
		private readonly targetPort: number,
	) {}

	get connections(): number {
		return this.pairs.size;
	}

	async accept(): Promise<void> {
		if (this.server !== null) return;
		const server = createServer((socket) => this.join(socket)).listen(this.port, "127.0.0.1");
		this.server = server;
		await once(server, "listening");
		this.port = (server.address() as AddressInfo).port;
	}

	async refuse(): Promise<void> {
		const { server } = this;
		this.server = null;
		if (server === null) return;
		const closed = once(server, "close");
		server.close();
		this.reset();
		await closed;
	}

	delay(ms: number): void {
		this.delayMs = ms;
	}

	freeze(): void {
		this.frozen = true;
		for (const pair of this.pairs) for (const socket of pair) socket.pause();
	}

	thaw(): void {
		this.frozen = false;
		for (const pair of this.pairs) for (const socket of pair) socket.resume();
	}

	reset(): void {
		for (const pair of this.pairs) for (const socket of pair) socket.resetAndDestroy();
	}

	loseAnswersTo(text: string, times: number): Promise<void> {
		return new Promise((done) => {
			this.losing = { text, times, done };
		});
	}

	async close(): Promise<void> {
		await this.refuse();
		this.reset();
	}

	private join(client: Socket): void {
		const server = open(this.targetPort, this.host);
		const pair = [client, server] as const;
		this.pairs.add(pair);
		client.on("data", (bytes) => {
			if (this.losing !== null && bytes.includes(this.losing.text)) this.doomed.add(pair);
		});
		server.on("data", () => {
			if (this.losing === null || !this.doomed.delete(pair)) return;
			for (const socket of pair) socket.resetAndDestroy();
			if (--this.losing.times > 0) return;
			this.losing.done();
			this.losing = null;
		});
		this.pass(client, server);
		this.pass(server, client);
		client.once("close", () => this.pairs.delete(pair));
		if (this.frozen) for (const socket of pair) socket.pause();
	}

	private pass(from: Socket, to: Socket): void {
		from.setNoDelay(true);
		from.on("data", (bytes) => {
			if (this.delayMs > 0) setTimeout(() => to.writable && to.write(bytes), this.delayMs);
			else if (to.writable) to.write(bytes);
		});
		from.on("end", () => to.end());
		// What ends one side ends the other; why is not this program's concern.
		from.on("error", () => to.destroy());
		from.on("close", () => to.destroy());
	}
}
