import { setTimeout as pause } from "node:timers/promises";
import type { EntryRef } from "../../core/entry.js";
import { CachewardenError } from "../../core/errors.js";
import type { RedisConnection } from "./connection.js";
import { LateAnswer, LostConnection, redisFailure } from "./failures.js";
import { proofsOf } from "./fingerprint.js";
import { groupsFor, runScript, scriptOf } from "./keys-script.js";
import { packed } from "./message-pack.js";
import { REMOVE } from "./scripts.js";
import type { ServerClock } from "./server-clock.js";

const SCRIPT = scriptOf(REMOVE);
/** By the server's clock a call that is older does nothing; we wait a little longer for it to say so. */
const VALID_MS = 4_000;
const CALL_MS = 4_500;
/** How long, from the first call on, somebody tries to find out what became of a call whose answer was lost. */
const FIND_OUT_MS = 8_000;
const RETRY_MS = 2_500;
const RETRY_PAUSE_MS = 100;

/** 0 gone, 1 it is what its fingerprint says, and was removed if it was to be, 2 another one by now. */
export type Verdict = "0" | "1" | "2";

export interface Judgement {
	readonly verdicts: readonly Verdict[];
	/** The last call, which gave the verdicts, was one that removes. */
	readonly removed: boolean;
	/** An answer was lost on the way and the call repeated: what is gone may have been removed by one of those before. */
	readonly lost: boolean;
}

/** The server took the call up when its time was over. */
class TooLate extends Error {}

/**
 * Judges these entries and, while `mayRemoveForMs` is not 0, removes in the same step those that are what they were. A call whose
 * answer is lost is repeated, however often that happens, until the server tells what is left.
 *
 * @throws {CachewardenError} when no answer is to be had; nothing is removed any more after that
 */
export async function judge(
	connection: RedisConnection,
	clock: ServerClock,
	entries: readonly EntryRef[],
	mayRemoveForMs: () => number,
): Promise<Judgement> {
	const giveUpAt = performance.now() + FIND_OUT_MS;
	let lost = false;
	for (;;) {
		const forMs = mayRemoveForMs();
		try {
			const decidedAt = performance.now();
			const removed = forMs > 0;
			const until = decidedAt + Math.min(VALID_MS, removed ? forMs : VALID_MS);
			return { verdicts: await ask(connection, clock, entries, { removed, until }, lost ? RETRY_MS : CALL_MS), removed, lost };
		} catch (error) {
			if (error instanceof TooLate) {
				// Nothing was done. Where only this process's own time was up, it may have more of it by now.
				if (forMs < VALID_MS && performance.now() < giveUpAt) continue;
				throw redisFailure(new LateAnswer(), connection.location);
			}
			lost ||= error instanceof LostConnection || error instanceof LateAnswer;
			if (!lost || error instanceof CachewardenError || performance.now() + RETRY_PAUSE_MS > giveUpAt)
				throw redisFailure(error, connection.location);
		}
		// Until the server listens again every attempt fails at once.
		await pause(RETRY_PAUSE_MS);
	}
}

async function ask(
	connection: RedisConnection,
	clock: ServerClock,
	entries: readonly EntryRef[],
	/** `until`: by this process's clock, so that a call of one that was stopped on the way comes too late. */
	{ removed, until }: { readonly removed: boolean; readonly until: number },
	withinMs: number,
): Promise<readonly Verdict[]> {
	const verdicts = new Array<Verdict>(entries.length);
	const keys = entries.map(({ key }) => key);
	await connection.attempt(withinMs, async (client) => {
		const serverNow = await clock.now();
		const deadline = serverNow + Math.min(until - performance.now(), withinMs);
		await Promise.all(
			groupsFor(keys, connection.isCluster).map(async (group) => {
				const args = [deadline, removed ? 1 : 0, proofsOf(group.map((at) => entries[at] as EntryRef))];
				const named = group.map((at) => keys[at] as string);
				// Only a Cluster has to know beforehand which keys a script is about.
				const told = connection.isCluster
					? await runScript(client, SCRIPT, named, args, false)
					: await runScript(client, SCRIPT, [], [...args, packed(named)], false);
				if (told === "LATE") {
					clock.forget();
					// Nothing was done; but on a Cluster perhaps by the other calls.
					throw connection.isCluster ? new LateAnswer() : new TooLate();
				}
				if (typeof told !== "string" || told.length !== group.length) throw new CachewardenError("INTERNAL");
				for (const [i, at] of group.entries()) verdicts[at] = told[i] as Verdict;
			}),
		);
	});
	return verdicts;
}
