import { describe, expect, it } from "@jest/globals";
import { FairQueue } from "../../src/jobs/embedded/fair-queue.js";

describe("the fair queue", () => {
	function taken(queue: FairQueue, count: number): (string | null)[] {
		return Array.from({ length: count }, () => queue.take());
	}

	it("keeps the order of each user's own jobs and goes round between users", () => {
		const queue = new FairQueue(10);
		for (const id of ["a1", "a2", "a3"]) queue.add("alice", id);
		for (const id of ["b1", "b2"]) queue.add("bob", id);
		expect(taken(queue, 6)).toEqual(["a1", "b1", "a2", "b2", "a3", null]);
	});

	it("starts a newcomer's job first, however many another user has waiting", () => {
		const queue = new FairQueue(3);
		for (let i = 0; i < 100; i++) queue.add("alice", `a${i}`);
		expect(taken(queue, 2)).toEqual(["a0", "a1"]);
		queue.add("bob", "b1");
		expect(queue.take()).toBe("b1");
	});

	it("gives nobody more than his limit until one of his is done", () => {
		const queue = new FairQueue(1);
		for (const id of ["a1", "a2"]) queue.add("alice", id);
		expect(taken(queue, 2)).toEqual(["a1", null]);
		expect(queue.counts("alice")).toEqual({ pending: 1, processing: 1 });
		queue.done("alice");
		expect(queue.take()).toBe("a2");
		queue.done("alice");
		expect(queue.counts("alice")).toEqual({ pending: 0, processing: 0 });
	});

	it("lets a waiting job go, and says whether it waited", () => {
		const queue = new FairQueue(1);
		for (const id of ["a1", "a2"]) queue.add("alice", id);
		expect([queue.remove("alice", "a1"), queue.remove("alice", "a1"), queue.remove("bob", "b1")]).toEqual([true, false, false]);
		expect(queue.take()).toBe("a2");
		expect(queue.remove("alice", "a2")).toBe(false);
	});

	it("serves 2,000 users with five jobs each once before anybody twice", () => {
		const queue = new FairQueue(2);
		for (let user = 0; user < 2000; user++) for (let job = 0; job < 5; job++) queue.add(`u${user}`, `u${user}:${job}`);
		const users = taken(queue, 2000).map((id) => id?.split(":")[0]);
		expect(new Set(users).size).toBe(2000);
	});
});
