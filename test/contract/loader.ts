/** What every loader must do. `open` gives one over a source of two symbols, whose answers can be held back and can fail. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Loader, LoadRequest } from "../../src/loaders/port.js";
import { eventually } from "../testkit/eventually.js";

export interface LoaderUnderTest {
	/** Of `stock_data`, at most two loads at once, without repeats; its source has `AAPL` and `600519` and no other symbol. */
	readonly loader: Loader;
	/** What the source has of a symbol. */
	readonly valueOf: (symbol: string) => string;
	/** The data source that a loaded value is recorded with. */
	readonly source: string;
	/** Loads that the source has under way now, and the most there ever were. */
	under(): { readonly now: number; readonly most: number };
	/** Answers wait until the function that this gives is called. */
	hold(): () => void;
	close(): Promise<void>;
}

/** Counts what is under way, and holds it back. */
export function gauge() {
	let [now, most] = [0, 0];
	let held: Promise<void> = Promise.resolve();
	return {
		async pass<T>(work: () => Promise<T> | T): Promise<T> {
			now++;
			most = Math.max(most, now);
			try {
				await held;
				return await work();
			} finally {
				now--;
			}
		},
		under: () => ({ now, most }),
		hold() {
			let release = (): void => undefined;
			held = new Promise((resolve) => {
				release = resolve;
			});
			return () => release();
		},
	};
}

const NEVER = new AbortController().signal;
const AT = Date.UTC(2026, 10, 24, 17);
const SYMBOLS = ["AAPL", "600519"];

export function loaderContract(name: string, open: () => Promise<LoaderUnderTest>): void {
	describe(`${name} as a loader`, () => {
		let at: LoaderUnderTest;
		beforeEach(async () => {
			at = await open();
		});
		afterEach(() => at.close());

		async function requestOf(symbol: string): Promise<LoadRequest> {
			const [request] = await at.loader.requests([symbol], AT);
			if (request === undefined) throw new Error(`nothing is asked for ${symbol}`);
			return request;
		}

		it("asks for each symbol by name, and for the same when it asks again", async () => {
			const requests = await at.loader.requests(SYMBOLS, AT);
			expect(requests.map(({ recipe }) => recipe.symbol).sort()).toEqual([...SYMBOLS].sort());
			expect(requests.every(({ recipe }) => at.loader.types.includes(recipe.type))).toBe(true);
			expect(await at.loader.requests(SYMBOLS, AT)).toEqual(requests);
		});

		it("loads what its source has, and says what it is and where it came from", async () => {
			for (const symbol of SYMBOLS) {
				const { value, recipe } = await at.loader.load(await requestOf(symbol), NEVER);
				expect(Buffer.from(value.bytes).toString()).toBe(at.valueOf(symbol));
				expect(recipe).toMatchObject({ symbol, type: "stock_data", source: at.source });
			}
		});

		it("loads an entry again by what it says of itself, and has nothing for one that says too little or is of another type", async () => {
			const { recipe } = await requestOf("AAPL");
			const entry = { backend: "REDIS", key: "stock:AAPL:0123456789abcdef" } as const;
			const again = await at.loader.requestFor(entry, recipe);
			expect(again?.recipe).toMatchObject({ symbol: "AAPL", startDate: recipe.startDate, endDate: recipe.endDate });
			const { value } = await at.loader.load(again as LoadRequest, NEVER);
			expect(Buffer.from(value.bytes).toString()).toBe(at.valueOf("AAPL"));
			expect(await at.loader.requestFor(entry, null)).toBeNull();
			expect(await at.loader.requestFor(entry, { ...recipe, type: "news" })).toBeNull();
		});

		it("fails by its name for what the source does not have, and gives no empty value", async () => {
			await expect(at.loader.load(await requestOf("GONE"), NEVER)).rejects.toMatchObject({ code: "LOADER_FAILED" });
		});

		it("ends with the reason of who does not wait any more, before and during a load", async () => {
			const request = await requestOf("AAPL");
			const reason = new Error("nobody waits");
			await expect(at.loader.load(request, AbortSignal.abort(reason))).rejects.toBe(reason);
			const release = at.hold();
			const waiting = new AbortController();
			const load = at.loader.load(request, waiting.signal);
			await eventually(() => expect(at.under().now).toBe(1), { withinMs: 5000 });
			waiting.abort(reason);
			release();
			await load.catch((error: unknown) => expect(error).toBe(reason));
		});

		it("has no more loads under way than it may, however many ask", async () => {
			const request = await requestOf("AAPL");
			const release = at.hold();
			const loads = Array.from({ length: 8 }, () => at.loader.load(request, NEVER));
			await eventually(() => expect(at.under().now).toBe(2), { withinMs: 5000 });
			release();
			await Promise.all(loads);
			expect(at.under().most).toBe(2);
		});
	});
}
