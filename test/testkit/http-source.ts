/** A small HTTP data source that a test starts, changes and breaks. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SourceRequest {
	readonly method: string;
	/** With its query. */
	readonly path: string;
	readonly headers: IncomingMessage["headers"];
	readonly body: string;
	/** How many were being answered when it came, itself included. */
	readonly together: number;
	readonly at: number;
}

export interface HttpSource {
	/** `http://127.0.0.1:PORT` */
	readonly url: string;
	readonly port: number;
	readonly requests: readonly SourceRequest[];
	/** Answers from now on. */
	answer(handler: Handler): void;
	/** Every value is held back until the function that this gives is called. */
	hold(): () => void;
	forget(): void;
	close(): Promise<void>;
}

type Handler = (request: SourceRequest, response: ServerResponse) => void | Promise<void>;

export async function startHttpSource(first: Handler, host = "127.0.0.1"): Promise<HttpSource> {
	let handler = first;
	let requests: SourceRequest[] = [];
	let together = 0;
	let held: Promise<void> = Promise.resolve();
	const server = createServer((request, response) => {
		together++;
		response.once("close", () => {
			together--;
		});
		let body = "";
		request.setEncoding("utf8").on("data", (text: string) => {
			body += text;
		});
		request.once("end", async () => {
			const { method = "", url: path = "", headers } = request;
			const seen = { method, path, headers, body, together, at: performance.now() };
			requests.push(seen);
			await held;
			await handler(seen, response);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, host, resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		port,
		get requests() {
			return requests;
		},
		answer(next) {
			handler = next;
		},
		hold() {
			let release = (): void => undefined;
			held = new Promise((resolve) => {
				release = resolve;
			});
			return () => release();
		},
		forget() {
			requests = [];
		},
		async close() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

/** Values of one format, made from the request's symbol. */
export function sending(contentType: string, make: (symbol: string, path: string) => string): Handler {
	return ({ path }, response) => {
		const symbol = new URL(path, "http://source").searchParams.get("symbol") ?? "";
		response.writeHead(200, { "content-type": contentType }).end(make(symbol, path));
	};
}

export function failing(status: number): Handler {
	return (_, response) => {
		response.writeHead(status).end("broken");
	};
}
