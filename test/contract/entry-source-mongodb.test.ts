import { afterAll } from "@jest/globals";
import { openSource } from "../../src/backends/mongodb/mongodb-source.js";
import { SETTINGS, stockDocument } from "../testkit/documents.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { openTcpProxy } from "../testkit/tcp-proxy.js";
import { entrySourceContract, type SourceHarness } from "./entry-source.js";

const servers = new Map<0 | 1 | 3, Promise<TestMongodb>>();

afterAll(async () => {
	for (const server of servers.values()) await (await server).stop();
});

function server(members: 0 | 1 | 3): Promise<TestMongodb> {
	const started = servers.get(members) ?? startMongodb({ members, own: true });
	servers.set(members, started);
	return started;
}

function harness(members: 0 | 1 | 3): () => Promise<SourceHarness> {
	return async () => {
		const mongodb = await server(members);
		const { name, db } = mongodb.newDatabase();
		const primary = members === 0 ? 0 : await mongodb.primary();
		const proxy = await openTcpProxy({ port: mongodb.nodes[primary]?.port ?? 0 });
		const source = openSource({ uri: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`, database: name, ...SETTINGS });
		const stocks = db.collection("stock_data");
		let written = 0;
		return {
			source,
			place: "stock_data",
			follows: members > 0,
			async write(count) {
				const now = new Date();
				const documents = Array.from({ length: count }, () => stockDocument(written++, { createdAt: now, dataBytes: 100 }));
				await stocks.insertMany(documents as never[]);
				return documents.map(({ _id }) => String(_id));
			},
			rewrite: async (key) => {
				const now = new Date();
				await stocks.updateOne({ _id: key } as never, { $set: { data: "x".repeat(500), created_at: now, updated_at: now } });
			},
			vanish: async (key) => void (await stocks.deleteOne({ _id: key } as never)),
			writeElsewhere: async () => void (await db.collection("users").insertOne({ name: "not a cache entry" })),
			cut: () => proxy.refuse(),
			mend: () => proxy.accept(),
			async close() {
				await source.close();
				await proxy.close();
				await db.dropDatabase();
			},
		};
	};
}

entrySourceContract("MongoDB, one node", harness(1));
if (process.env.SOAK === "1") {
	entrySourceContract("MongoDB, three nodes", harness(3));
	entrySourceContract("MongoDB, standalone", harness(0));
}
