import { expect, it } from "@jest/globals";
import mongoose from "mongoose";
import { isPassing } from "../../src/backends/mongodb/failures.js";
import { isMongoFailure } from "../../src/mongodb/failures.js";

const { MongoError } = mongoose.mongo;

function withCode<E extends Error>(error: E, code: string | number): E {
	return Object.assign(error, { code });
}

it("a connection that ended under a command is a passing failure, as the driver tells it and as Node does", () => {
	for (const code of ["EPIPE", "ECONNRESET", "ETIMEDOUT", "ERR_STREAM_DESTROYED"]) {
		expect(isPassing(withCode(new Error("write"), code))).toBe(true);
		expect(isMongoFailure(withCode(new Error("write"), code))).toBe(true);
	}
	expect(isMongoFailure(new MongoError("not primary"))).toBe(true);
	expect(isPassing(withCode(new Error("This socket has been ended by the other party"), "EPIPE"))).toBe(true);
	expect(isPassing(new mongoose.mongo.MongoNetworkError("connection closed"))).toBe(true);
	expect(isPassing(withCode(new MongoError("not primary"), 10107))).toBe(true);
});

it("what will be no better a little later is none", () => {
	expect(isPassing(withCode(new Error("no such file"), "ENOENT"))).toBe(false);
	expect(isMongoFailure(withCode(new Error("no such file"), "ENOENT"))).toBe(false);
	expect(isPassing(withCode(new MongoError("unauthorized"), 13))).toBe(false);
	expect(isPassing(new Error("EPIPE"))).toBe(false);
});
