import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, type JWK } from "jose";

export type Misbehaviour = "refuses connections" | "answers with 500" | "answers with nonsense" | "hangs";

/** A real JWKS server that can be told to fail. */
export class KeyServerDouble {
	requests = 0;
	readonly #keys = new Map<string, { readonly jwk: JWK; readonly privateKey: KeyObject }>();
	readonly #withdrawn = new Map<string, KeyObject>();
	readonly #server: Server;
	#port = 0;
	#how: Misbehaviour | null = null;

	private constructor() {
		this.#server = createServer((_request, response) => this.#answer(response));
	}

	static async start(): Promise<KeyServerDouble> {
		const double = new KeyServerDouble();
		await double.#listen();
		return double;
	}

	get url(): string {
		return `http://127.0.0.1:${this.#port}/jwks.json`;
	}

	async addKey(kid: string): Promise<KeyObject> {
		const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
		this.#keys.set(kid, { jwk: { ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" }, privateKey });
		return privateKey;
	}

	removeKey(kid: string): void {
		this.#withdrawn.set(kid, this.privateKey(kid));
		this.#keys.delete(kid);
	}

	privateKey(kid: string): KeyObject {
		const key = this.#keys.get(kid)?.privateKey ?? this.#withdrawn.get(kid);
		if (!key) throw new Error(`there is no key ${kid}`);
		return key;
	}

	async misbehave(how: Misbehaviour): Promise<void> {
		this.#how = how;
		if (how === "refuses connections") await this.#stop();
	}

	async behave(): Promise<void> {
		if (this.#how === "refuses connections") await this.#listen();
		this.#how = null;
	}

	close(): Promise<void> {
		return this.#stop();
	}

	#answer(response: ServerResponse): void {
		this.requests += 1;
		if (this.#how === "hangs") return;
		if (this.#how === "answers with 500") response.statusCode = 500;
		const body =
			this.#how === "answers with nonsense" ? "<html>" : JSON.stringify({ keys: [...this.#keys.values()].map(({ jwk }) => jwk) });
		response.setHeader("content-type", "application/json");
		response.end(body);
	}

	#listen(): Promise<void> {
		return new Promise((resolve) => {
			this.#server.listen(this.#port, "127.0.0.1", () => {
				this.#port = (this.#server.address() as AddressInfo).port;
				resolve();
			});
		});
	}

	#stop(): Promise<void> {
		return new Promise((resolve) => {
			this.#server.close(() => resolve());
			this.#server.closeAllConnections();
		});
	}
}
