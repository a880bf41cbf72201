/** Q11: one process on one DATA_DIR, whoever comes second and however the first one ends. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { findServer, publishServer } from "../../src/store/server-file.js";
import { openStore } from "../../src/store/store.js";
import { killAll, linesOf } from "../testkit/lines-of.js";
import { temporaryFolder } from "../testkit/temporary.js";

interface Line {
	readonly held?: boolean;
	readonly code?: string;
}

function opened(dataDir: string) {
	return openStore({ dataDir, warn: () => undefined });
}

describe("a DATA_DIR that another process holds", () => {
	afterEach(() => killAll());

	it("answers STORE_LOCKED at once, naming the folder, and is free when the holder was killed", async () => {
		const dataDir = temporaryFolder();
		const holder = linesOf<Line>("store-child.ts", [dataDir]);
		await holder.line(({ held }) => held === true);
		const began = performance.now();
		await expect(opened(dataDir)).rejects.toMatchObject({ code: "STORE_LOCKED", said: { facts: { dir: dataDir } } });
		expect(performance.now() - began).toBeLessThan(2000);
		holder.process.kill("SIGKILL");
		await holder.ended;
		const store = await opened(dataDir);
		await expect(opened(dataDir)).rejects.toMatchObject({ code: "STORE_LOCKED" });
		await store.close();
		await (await opened(dataDir)).close();
	});

	it("is held by exactly one of several that start together", async () => {
		const dataDir = temporaryFolder();
		const children = Array.from({ length: 3 }, () => linesOf<Line>("store-child.ts", [dataDir]));
		const first = await Promise.all(children.map((child) => child.line(() => true)));
		expect(first.filter(({ held }) => held === true)).toHaveLength(1);
		expect(first.filter(({ code }) => code === "STORE_LOCKED")).toHaveLength(2);
	});

	it("tells where its server is, and forgets that with the next holder", async () => {
		const dataDir = temporaryFolder();
		expect(await findServer(dataDir)).toBeNull();
		const store = await opened(dataDir);
		await publishServer(dataDir, { url: "http://127.0.0.1:4000/" });
		expect(await findServer(dataDir)).toEqual({ url: "http://127.0.0.1:4000/", pid: process.pid });
		await expect(opened(dataDir)).rejects.toMatchObject({ code: "STORE_LOCKED" });
		expect(await findServer(dataDir)).not.toBeNull();
		await store.close();
		const next = await opened(dataDir);
		expect(await findServer(dataDir)).toBeNull();
		await next.close();
	});
});
