import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { type HttpLoaderOptions, openHttpLoader } from "../../src/loaders/http-loader.js";
import { openModuleLoader } from "../../src/loaders/module-loader.js";
import type { Loader, LoadRequest } from "../../src/loaders/port.js";
import { isPublicAddress } from "../../src/outbound/address.js";
import { openOutboundClient } from "../../src/outbound/guarded-client.js";
import { eventually } from "../testkit/eventually.js";
import { failing, type HttpSource, sending, startHttpSource } from "../testkit/http-source.js";
import { temporaryFolder } from "../testkit/temporary.js";

const NEVER = new AbortController().signal;
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
	for (const close of closing.splice(0).reverse()) await close();
});

async function source(...first: Parameters<typeof startHttpSource>): Promise<HttpSource> {
	const started = await startHttpSource(...first);
	closing.push(() => started.close());
	return started;
}

function http(url: string, options: Partial<HttpLoaderOptions> = {}): Loader {
	const loader = openHttpLoader({
		name: "quotes",
		types: ["stock_data"],
		source: "quotes",
		daysBack: 7,
		timeZone: "Asia/Shanghai",
		url,
		headers: {},
		format: null,
		timeoutSeconds: 5,
		retries: 3,
		backoffMs: 1,
		requestsPerSecond: 10_000,
		concurrency: 4,
		stopAfterFailures: 10,
		maxBytes: 1000,
		allowPrivateAddresses: true,
		...options,
	});
	closing.push(() => loader.close());
	return loader;
}

function asking(symbol: string): LoadRequest {
	return {
		recipe: { symbol, type: "stock_data", source: null, startDate: "2026-01-01", endDate: "2026-02-01" },
		key: null,
		copyOf: null,
	};
}

async function reason(promise: Promise<unknown>): Promise<string> {
	return promise.then(
		() => "it was given a value",
		(error: Error) => error.message,
	);
}

describe("the http loader", () => {
	it("puts symbol and dates into the address as what they are, and reads the format from the answer", async () => {
		const from = await source(sending("application/json; charset=utf-8", (symbol) => JSON.stringify([symbol])));
		const loader = http(`${from.url}/q/{type}?symbol={symbol}&from={startDate}&to={endDate}&s={source}`);
		const loaded = await loader.load(asking("^GSPC&x=../1"), NEVER);
		expect(from.requests[0]?.path).toBe("/q/stock_data?symbol=%5EGSPC%26x%3D..%2F1&from=2026-01-01&to=2026-02-01&s=");
		expect(loaded).toEqual({
			value: { form: "text", bytes: Buffer.from('["^GSPC&x=../1"]'), format: "json" },
			recipe: { ...asking("^GSPC&x=../1").recipe, source: "quotes" },
			createdAt: null,
		});
	});

	it("asks in a warm-up for the days back from the job's day in the cache's zone; fundamentals have none", async () => {
		const loader = http("http://example.org/{symbol}", { types: ["stock_data", "fundamentals"] });
		const requests = await loader.requests(["AAPL"], Date.UTC(2026, 10, 24, 17));
		expect(requests.map(({ recipe }) => [recipe.type, recipe.startDate, recipe.endDate])).toEqual([
			["stock_data", "2026-11-18", "2026-11-25"],
			["fundamentals", null, null],
		]);
	});

	it("tries again what may pass, later each time, and not what will not", async () => {
		const from = await source(failing(503));
		const loader = http(`${from.url}/?symbol={symbol}`);
		expect(await reason(loader.load(asking("A"), NEVER))).toContain("answered with 503");
		expect(from.requests).toHaveLength(4);
		from.forget();
		from.answer(({ path }, response) => {
			if (from.requests.length < 3) response.writeHead(429, { "retry-after": "0" }).end();
			else response.writeHead(200, { "content-type": "text/csv" }).end(path);
		});
		await loader.load(asking("B"), NEVER);
		expect(from.requests).toHaveLength(3);
		from.forget();
		from.answer(failing(404));
		expect(await reason(loader.load(asking("C"), NEVER))).toContain("answered with 404");
		expect(from.requests).toHaveLength(1);
	});

	it("has no more requests under way than it may, and no more in a second", async () => {
		const from = await source(sending("text/csv", (symbol) => symbol));
		const many = Array.from({ length: 12 }, (_, i) => asking(`S${i}`));
		const narrow = http(`${from.url}/?symbol={symbol}`, { concurrency: 3 });
		await Promise.all(many.map((request) => narrow.load(request, NEVER)));
		expect(Math.max(...from.requests.map(({ together }) => together))).toBeLessThanOrEqual(3);
		from.forget();
		const slow = http(`${from.url}/?symbol={symbol}`, { concurrency: 12, requestsPerSecond: 10 });
		await Promise.all(many.map((request) => slow.load(request, NEVER)));
		// Whatever the machine's speed: the eleventh came no sooner than a second after the first.
		const times = from.requests.map(({ at }) => at).sort((a, b) => a - b);
		expect((times[10] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(900);
	});

	it("ends a value that is too large, too slow, compressed, or that nobody waits for any more", async () => {
		const from = await source(sending("text/csv", () => "x".repeat(2000)));
		const loader = http(`${from.url}/?symbol={symbol}`, { timeoutSeconds: 0.2, retries: 0 });
		expect(await reason(loader.load(asking("A"), NEVER))).toContain("more than 1000 bytes");
		from.answer((_, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end("x"));
		expect(await reason(loader.load(asking("A"), NEVER))).toContain("gzip");
		from.answer((_, response) => void response.writeHead(200).write("x"));
		expect(await reason(loader.load(asking("A"), NEVER))).toContain("did not answer within 0.2 s");
		const cancel = new AbortController();
		const patient = http(`${from.url}/?symbol={symbol}`, { timeoutSeconds: 60 });
		from.forget();
		const waiting = patient.load(asking("A"), cancel.signal);
		await eventually(() => expect(from.requests).toHaveLength(1), { withinMs: 5000 });
		cancel.abort(new Error("nobody waits"));
		expect(await reason(waiting)).toBe("nobody waits");
	});
});

describe("private addresses", () => {
	it.each([
		"127.0.0.1",
		"10.0.0.1",
		"169.254.169.254",
		"192.168.1.1",
		"100.64.0.1",
		"0.0.0.0",
		"::1",
		"fe80::1",
		"fc00::1",
		"::ffff:10.0.0.1",
		"64:ff9b::a00:1",
	])("%s is one", (address) => expect(isPublicAddress(address)).toBe(false));
	it.each(["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])("%s is none", (address) => expect(isPublicAddress(address)).toBe(true));

	it("are refused unless allowed, also behind a name and in every spelling; nothing is sent there", async () => {
		const from = await source(sending("text/csv", (symbol) => symbol));
		for (const host of ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]) {
			const loader = http(`http://${host}:${from.port}/?symbol={symbol}`, { allowPrivateAddresses: false });
			expect(await reason(loader.load(asking("A"), NEVER))).toContain("private address");
		}
		expect(from.requests).toHaveLength(0);
	});

	it("are refused after a redirect too; headers go to the configured host only", async () => {
		const inner = await source(
			sending("text/csv", () => "secret"),
			"127.0.0.2",
		);
		const outer = await source((_, response) => void response.writeHead(302, { location: `http://127.0.0.2:${inner.port}/` }).end());
		const order = { method: "GET", headers: { authorization: "Bearer x" }, timeoutSeconds: 5, maxBytes: 100 } as const;
		const guarded = openOutboundClient({ allowPrivateAddresses: false, isAllowed: (address) => address === "127.0.0.1" });
		closing.push(() => guarded.close());
		expect(await reason(guarded.send({ ...order, url: outer.url }, NEVER))).toContain("private address");
		expect([outer.requests[0]?.headers.authorization, inner.requests.length]).toEqual(["Bearer x", 0]);
		const open = openOutboundClient({ allowPrivateAddresses: true });
		closing.push(() => open.close());
		expect(Buffer.from((await open.send({ ...order, url: outer.url }, NEVER)).body).toString()).toBe("secret");
		expect(inner.requests[0]?.headers.authorization).toBeUndefined();
		outer.answer((_, response) => void response.writeHead(302, { location: outer.url }).end());
		expect(await reason(open.send({ ...order, url: outer.url }, NEVER))).toContain("redirects too often");
	});
});

describe("the module loader", () => {
	function module(text: string, timeoutSeconds = 5): Loader {
		const file = join(temporaryFolder(), "load.mjs");
		writeFileSync(file, text);
		return openModuleLoader({
			name: "own",
			types: ["news"],
			source: "own",
			daysBack: null,
			timeZone: "UTC",
			file,
			export: "load",
			timeoutSeconds,
			retries: 0,
			backoffMs: 1,
			requestsPerSecond: 1000,
			concurrency: 2,
			stopAfterFailures: 10,
			maxBytes: 100,
		});
	}

	it("gives what the administrator's function gives, and the source that it names", async () => {
		const loader = module(
			"export const load = async ({ symbol, startDate }) => ({ data: symbol + ' ' + startDate, format: 'txt', source: 'wire' });",
		);
		const loaded = await loader.load(asking("AAPL"), NEVER);
		expect(Buffer.from(loaded.value.bytes).toString()).toBe("AAPL 2026-01-01");
		expect(loaded.recipe.source).toBe("wire");
	});

	it("says of a function that throws, hangs, is missing or gives no value which loader it was and what was wrong", async () => {
		expect(await reason(module("export const load = () => { throw new Error('no quota'); };").load(asking("A"), NEVER))).toBe(
			"loader own failed: no quota",
		);
		expect(await reason(module("export const load = () => new Promise(() => {});", 0.05).load(asking("A"), NEVER))).toContain(
			"within 0.05 s",
		);
		expect(await reason(module("export const other = 1;").load(asking("A"), NEVER))).toContain("exports no function load");
		expect(await reason(module("export const load = () => 'text';").load(asking("A"), NEVER))).toContain("{ data, format }");
		expect(
			await reason(module("export const load = () => ({ data: 'x'.repeat(101), format: 'csv' });").load(asking("A"), NEVER)),
		).toContain("more than 100 bytes");
	});
});
