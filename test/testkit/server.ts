/** The built program as a process of its own, asked over HTTP and WebSocket as its users do. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createClient } from "graphql-ws";
import { SignJWT } from "jose";
import { WebSocket } from "ws";

export const TEST_SECRET = "a test secret that is long enough for HS256";
const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

export interface Answer<T> {
	readonly status: number;
	readonly data: T;
	readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
}

export interface TestServer {
	readonly url: string;
	readonly process: ChildProcess;
	/** Everything that it wrote to standard error. */
	log(): string;
	query<T = Record<string, never>>(document: string, variables?: Record<string, unknown>, token?: string): Promise<Answer<T>>;
	/** Each value as it comes; ends with the subscription. */
	subscribe<T>(document: string, variables?: Record<string, unknown>, token?: string): AsyncIterableIterator<T>;
	/** Ends it and waits: SIGTERM unless told otherwise. Gives its exit code or signal. */
	stop(signal?: NodeJS.Signals): Promise<number | string>;
}

export async function testToken(role: string, user = role.toLowerCase(), expiresIn = "1h"): Promise<string> {
	return new SignJWT({ username: user, roles: [role] })
		.setProtectedHeader({ alg: "HS256" })
		.setSubject(user)
		.setExpirationTime(expiresIn)
		.sign(new TextEncoder().encode(TEST_SECRET));
}

/** Starts `cachewarden serve` on a free port; resolves when it listens. */
export function startServer(environment: Record<string, string>, ...flags: string[]): Promise<TestServer> {
	return startServerAs(null, environment, ...flags);
}

/** The same as another user, when this one may become it: the superuser is refused nothing. */
export async function startServerAs(uid: number | null, environment: Record<string, string>, ...flags: string[]): Promise<TestServer> {
	const child = spawn(process.execPath, [MAIN, "serve", "--json", ...flags], {
		...(uid === null ? {} : { uid, gid: uid }),
		env: {
			PATH: process.env.PATH ?? "",
			TMPDIR: process.env.TMPDIR ?? "/tmp",
			PORT: "0",
			JWT_SECRET: TEST_SECRET,
			CACHE_TIMEZONE: "UTC",
			...environment,
		},
		stdio: ["ignore", "pipe", "pipe"],
	});
	let log = "";
	child.stderr.setEncoding("utf8").on("data", (text: string) => {
		log += text;
	});
	const url = await new Promise<string>((resolve, reject) => {
		let printed = "";
		child.stdout.setEncoding("utf8").on("data", (text: string) => {
			printed += text;
			const line = /^\{.*"url".*\}$/m.exec(printed);
			if (line) resolve((JSON.parse(line[0]) as { url: string }).url);
		});
		child.once("exit", (code, signal) => reject(new Error(`serve ended with ${code ?? signal} before it listened:\n${log}`)));
	});
	const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;

	return {
		url,
		process: child,
		log: () => log,
		async query<T>(document: string, variables: Record<string, unknown> = {}, token?: string) {
			const response = await fetch(new URL("/graphql", url), {
				method: "POST",
				headers: { "content-type": "application/json", authorization: `Bearer ${token ?? (await testToken("ADMIN"))}` },
				body: JSON.stringify({ query: document, variables }),
			});
			return { status: response.status, ...((await response.json()) as Omit<Answer<T>, "status">) };
		},
		subscribe<T>(document: string, variables: Record<string, unknown> = {}, token?: string) {
			const client = createClient({
				url: new URL("/graphql", url).href.replace("http", "ws"),
				webSocketImpl: WebSocket,
				retryAttempts: 0,
				connectionParams: async () => ({ Authorization: `Bearer ${token ?? (await testToken("ADMIN"))}` }),
			});
			return valuesOf<T>(client.iterate({ query: document, variables }) as AsyncIterable<Result<T>>, () => client.dispose());
		},
		async stop(signal = "SIGTERM") {
			child.kill(signal);
			const [code, by] = await ended;
			return code ?? by ?? "unknown";
		},
	};
}

interface Result<T> {
	readonly data?: T | null;
	readonly errors?: readonly { readonly message: string }[];
}

async function* valuesOf<T>(results: AsyncIterable<Result<T>>, dispose: () => void | Promise<void>): AsyncIterableIterator<T> {
	try {
		for await (const result of results) {
			if (result.errors) throw new Error(result.errors.map((error) => error.message).join("; "));
			if (result.data) yield result.data;
		}
	} finally {
		await dispose();
	}
}
