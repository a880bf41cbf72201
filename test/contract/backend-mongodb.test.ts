import { afterAll, beforeAll } from "@jest/globals";
import { openMongodbBackend } from "../../src/backends/mongodb/mongodb-backend.js";
import { COLLECTIONS, fillStocks, refsOfCollection } from "../testkit/documents.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { openTcpProxy } from "../testkit/tcp-proxy.js";
import { type BackendHarness, backendContract } from "./backend.js";

const servers = new Map<number, TestMongodb>();

beforeAll(async () => {
	for (const members of [1, 3] as const) servers.set(members, await startMongodb({ members, own: true }));
});

afterAll(async () => {
	for (const server of servers.values()) await server.stop();
});

/** The backend's way to the server leads through a proxy that can be cut; other programs have theirs. */
function harness(members: 1 | 3): () => Promise<BackendHarness> {
	return async () => {
		const mongodb = servers.get(members) as TestMongodb;
		const { name, db } = mongodb.newDatabase();
		const primary = mongodb.nodes[await mongodb.primary()];
		const proxy = await openTcpProxy({ port: primary?.port ?? 0 });
		const backend = openMongodbBackend({
			uri: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`,
			database: name,
			collections: COLLECTIONS,
			electionMs: 500,
		});
		const stocks = db.collection("stock_data");
		return {
			backend,
			async seed(count) {
				await fillStocks(stocks, count, { dataBytes: 200 });
				return refsOfCollection(db, "stock_data");
			},
			exists: async ({ key }) => (await stocks.countDocuments({ _id: key } as never)) > 0,
			rewrite: async ({ key }) => {
				const now = new Date();
				await stocks.updateOne({ _id: key } as never, { $set: { data: "another value", created_at: now, updated_at: now } });
			},
			vanish: async ({ key }) => void (await stocks.deleteOne({ _id: key } as never)),
			halve: null,
			breakDown: () => proxy.refuse(),
			async close() {
				await backend.close();
				await proxy.close();
				await db.dropDatabase();
			},
		};
	};
}

backendContract("MongoDB, one node", harness(1));
backendContract("MongoDB, three nodes", harness(3));
