import { afterAll, beforeAll } from "@jest/globals";
import { openMongodbPlans } from "../../src/plans/mongodb.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { plansContract } from "./plans.js";

let mongodb: TestMongodb;
beforeAll(async () => {
	mongodb = await startMongodb();
});
afterAll(() => mongodb.stop());

plansContract("in MongoDB", () => {
	const { db } = mongodb.newDatabase();
	return { open: (clock) => openMongodbPlans({ db, clock }), close: async () => {} };
});
