import { afterAll, beforeAll } from "@jest/globals";
import { openMongodbSchedules } from "../../src/schedules/mongodb.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { schedulesContract } from "./schedules.js";

let mongodb: TestMongodb;
beforeAll(async () => {
	mongodb = await startMongodb();
});
afterAll(() => mongodb.stop());

schedulesContract("MongoDB", () => {
	const { db } = mongodb.newDatabase();
	return { open: () => openMongodbSchedules(db), close: async () => undefined };
});
