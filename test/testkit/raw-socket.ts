import { once } from "node:events";
import { WebSocket } from "ws";
import { eventually } from "./eventually.js";

export interface Message {
	readonly type: string;
	readonly id?: string;
	readonly payload?: unknown;
}

/** A client that speaks graphql-transport-ws message by message, also wrongly. */
export class RawSocket {
	readonly socket: WebSocket;
	readonly messages: Message[] = [];
	closed: { readonly code: number; readonly reason: string } | null = null;

	private constructor(socket: WebSocket) {
		this.socket = socket;
		socket.on("message", (data) => this.messages.push(JSON.parse(String(data)) as Message));
		socket.on("close", (code, reason) => {
			this.closed = { code, reason: String(reason) };
		});
		socket.on("error", () => socket.terminate());
	}

	/** Opened, and nothing said yet. */
	static async open(url: string, headers: Record<string, string> = {}): Promise<RawSocket> {
		const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, "graphql-transport-ws", { headers });
		const raw = new RawSocket(socket);
		await once(socket, "open");
		return raw;
	}

	/** Opened and acknowledged. */
	static async connect(url: string, token: string, headers: Record<string, string> = {}): Promise<RawSocket> {
		const raw = await RawSocket.open(url, headers);
		raw.init(token);
		await raw.until(({ type }) => type === "connection_ack");
		return raw;
	}

	init(token: string): void {
		this.send({ type: "connection_init", payload: { Authorization: `Bearer ${token}` } });
	}

	send(message: object): void {
		this.socket.send(JSON.stringify(message));
	}

	subscribe(id: string, query: string, variables?: object): void {
		this.send({ id, type: "subscribe", payload: { query, variables } });
	}

	complete(id: string): void {
		this.send({ id, type: "complete" });
	}

	/** The first message, past or future, of which the test is true. */
	until(test: (message: Message) => boolean, withinMs = 5_000): Promise<Message> {
		const found = this.messages.find(test);
		if (found) return Promise.resolve(found);
		return new Promise((resolve, reject) => {
			const done = () => {
				clearTimeout(late);
				this.socket.off("message", look);
			};
			const look = () => {
				const message = this.messages.at(-1);
				if (!message || !test(message)) return;
				done();
				resolve(message);
			};
			const late = setTimeout(() => {
				done();
				reject(new Error(`no such message; the last were ${JSON.stringify(this.messages.slice(-3)).slice(0, 2_000)}`));
			}, withinMs);
			this.socket.on("message", look);
		});
	}

	untilClosed(withinMs = 5_000): Promise<{ readonly code: number; readonly reason: string }> {
		return eventually(
			() => {
				if (!this.closed) throw new Error("the socket is still open");
				return this.closed;
			},
			{ withinMs, everyMs: 5 },
		);
	}

	end(): void {
		this.socket.terminate();
	}
}
