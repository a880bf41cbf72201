/**
 * Keeps the places of one server true: a paced scan when something may have been missed, single keys when they are
 * reported, and nothing of it in the way of the other layers. When the server goes away, its entries stay as they were
 * known, its places say why, and it comes back by itself.
 */
import type { Failure } from "../../core/errors.js";
import type { FoundEntry, IndexWriter } from "../index/index-writer.js";
import type { ServerOptions } from "../places.js";
import type { LogLevel } from "../protocol.js";
import { ServerReconciler, type ServerState } from "./server-reconciler.js";
import { SourceFailure, SourceLink } from "./source-link.js";

/** So often is a server asked whether it answers, whatever else is asked of it: with the time that it has for that, all know within 2 s. */
const PULSE_MS = 500;
/** A scan that delivers nothing for so long: does its server still answer? */
const SILENT_MS = 1000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 5000;
/** Where changes are not reported: so often, but with at most a twentieth of the time spent scanning. */
const POLL_MS = 2000;
const POLL_SHARE = 20;
/** More that expired within a second are for a scan to find. */
const EXPIRED_AT_ONCE = 20_000;

/** What a keeper needs of the catalog worker. */
export interface KeeperHost {
	/** Resolves when the index can be written. */
	ready(): Promise<void>;
	writer(): IndexWriter;
	/** Before the first load has ended there is no index that would find a few rows. */
	indexed(): boolean;
	now(): number;
	/** Totals or states have changed. */
	changed(): void;
	/** The index could not be written or read. */
	failed(error: unknown): void;
	log(level: LogLevel, message: string, facts: Record<string, unknown>): void;
}

export interface KeeperOptions {
	readonly server: ServerOptions;
	readonly watch: boolean;
	/** 0 turns off every scan that nothing gives a reason for. */
	readonly reconcileEverySeconds: number;
}

export class ServerKeeper {
	readonly #link: SourceLink;
	readonly #reconciler: ServerReconciler;
	#working = false;
	#beating = false;
	#closing = false;
	/** The source reports to us, as far as it can. */
	#following = false;
	#scanMs = 0;
	#failures = 0;
	#probeAt = 0;
	#probing: Promise<boolean> | null = null;
	#expiredUntil: number;
	readonly #pulse: NodeJS.Timeout;
	/** Of those who wait for what a server that has just gone away will not tell. */
	readonly #whenDown = new Set<() => void>();

	constructor(
		private readonly options: KeeperOptions,
		readonly states: readonly ServerState[],
		private readonly host: KeeperHost,
	) {
		this.#expiredUntil = host.now();
		if (!options.watch) for (const state of states) state.watchProblem = "watching is turned off";
		this.#link = new SourceLink(options.server, {
			take: (scan, batch) => this.#reconciler.take(scan, batch),
			progress: (scan, entries) => this.#reconciler.progress(scan, entries),
			changed: (place, keys) => this.#onChanges(place, keys),
			broken: (place, reason) => this.#onBroken(place, reason),
			failed: (error) => this.#log("warn", "a server could not be read", { error: String(error) }),
		});
		this.#reconciler = new ServerReconciler(this.#link, host);
		this.#pulse = setInterval(() => {
			if (!this.#closing && Date.now() >= this.#probeAt) void this.#probe();
		}, PULSE_MS);
	}

	/** Scans what is due. */
	wake(): void {
		void this.#work();
	}

	/** Resolves when everything that happened before the call is in the index, or the place says why that can't be told. */
	async refresh(state: ServerState): Promise<void> {
		if (this.#closing || !(await this.#probe())) return;
		if (state.intact && (await this.#unlessDown(this.#settle([state])))) return;
		if (state.down !== null) return;
		const scanned = state.scanned();
		state.retryAt = 0;
		this.wake();
		return scanned;
	}

	/** Entries that an operation has removed: looked at again, so that one which was written anew meanwhile stays. */
	async removed(state: ServerState, entries: readonly FoundEntry[]): Promise<void> {
		await this.#look(
			state,
			entries.map(({ key }) => key),
		);
	}

	/** Once a second: what has been seen until now, and what has to be looked at because of its age. */
	async beat(): Promise<void> {
		if (this.#beating || this.#closing) return;
		this.#beating = true;
		try {
			await this.host.ready();
			if (this.#reconciler.silentMs > SILENT_MS && !(await this.#probe())) this.#reconciler.cancel();
			if (Date.now() < this.#probeAt || !(await this.#probe())) return;
			const intact = this.states.filter((state) => state.intact);
			if (intact.length > 0) await this.#settle(intact);
			await this.#reviewExpired();
			for (const state of this.states) if (this.#isOld(state)) state.needsScan = true;
			this.wake();
		} catch (error) {
			this.host.failed(error);
		} finally {
			this.#beating = false;
		}
	}

	/** The index is another one now: what is being read for the old one means nothing. */
	reset(): void {
		this.#reconciler.cancel();
	}

	async close(): Promise<void> {
		this.#closing = true;
		clearInterval(this.#pulse);
		this.#reconciler.cancel();
		for (const state of this.states) state.answerAll();
		await this.#link.close();
	}

	/** Whether the server answers. Asked once for all who want to know. */
	#probe(): Promise<boolean> {
		this.#probing ??= this.#ask().finally(() => {
			this.#probing = null;
			this.host.changed();
		});
		return this.#probing;
	}

	async #ask(): Promise<boolean> {
		try {
			const counters = await this.#link.counters();
			if (this.#failures > 0) this.#log("info", "a server answers again", {});
			this.#failures = 0;
			this.#probeAt = 0;
			for (const state of this.states) {
				state.counters = counters;
				state.down = null;
			}
			return true;
		} catch (error) {
			this.#isDown(failureIn(error));
			return false;
		}
	}

	#isDown(failure: Failure): void {
		if (this.#closing) return;
		if (this.#failures === 0) this.#log("warn", "a server does not answer", { code: failure.code });
		this.#probeAt = Date.now() + Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 10));
		this.#failures++;
		for (const state of this.states) {
			state.down = failure;
			state.answerAll();
		}
		for (const resolve of this.#whenDown) resolve();
	}

	/** False as soon as the server is known to be away: nobody waits for its answer then. */
	async #unlessDown(work: Promise<boolean>): Promise<boolean> {
		let isDown = (): void => undefined;
		const down = new Promise<boolean>((resolve) => {
			isDown = () => resolve(false);
		});
		this.#whenDown.add(isDown);
		try {
			return await Promise.race([work, down]);
		} finally {
			this.#whenDown.delete(isDown);
		}
	}

	async #work(): Promise<void> {
		if (this.#working) return;
		this.#working = true;
		try {
			for (;;) {
				await this.host.ready();
				const due = this.states.filter((state) => state.needsScan && state.down === null && state.retryAt <= Date.now());
				if (due.length === 0 || this.#closing) return;
				await this.#bringInLine(due);
				this.host.changed();
			}
		} catch (error) {
			this.host.failed(error);
		} finally {
			this.#working = false;
		}
	}

	async #bringInLine(due: readonly ServerState[]): Promise<void> {
		if (!(await this.#probe())) return;
		if (!(await this.#tried(due, () => this.#follow()))) return;
		const passes = (await this.#link.onePass()) ? [due] : due.map((state) => [state]);
		for (const states of passes) {
			const began = performance.now();
			if (!(await this.#tried(states, () => this.#reconciler.reconcile(states)))) continue;
			this.#scanMs = performance.now() - began;
		}
	}

	/** False when the server did not let it be done: either it is away, or these places have a fault of their own. */
	async #tried(states: readonly ServerState[], work: () => Promise<void>): Promise<boolean> {
		try {
			await work();
			return true;
		} catch (error) {
			const failure = failureIn(error);
			const answers = await this.#probe();
			for (const state of states) {
				if (!answers) state.breakOff(null, 0);
				// Given up because the index is another one: done again.
				else if (failure.code === "CANCELLED") state.interrupt();
				else state.breakOff(failure, Date.now() + MAX_RETRY_MS);
			}
			return false;
		}
	}

	/** Before the scan begins, which could else miss what happens in between. */
	async #follow(): Promise<void> {
		if (!this.options.watch || this.#following) return;
		this.#following = true;
		try {
			const problems = await this.#link.watch();
			const news = [...new Set(problems.values())].filter((problem) => this.states.every(({ watchProblem }) => watchProblem !== problem));
			for (const reason of news) {
				const places = [...problems].filter(([, problem]) => problem === reason).map(([place]) => place);
				if (reason !== null) this.#log("info", "changes are not reported and found by scanning", { places, reason });
			}
			for (const state of this.states) {
				const problem = problems.get(state.place.place) ?? null;
				state.established = problem === null;
				state.watchProblem = problem;
			}
		} catch (error) {
			this.#following = false;
			throw error;
		}
	}

	/** Takes in everything that was reported of intact places until now; false when one is in doubt afterwards. */
	async #settle(states: readonly ServerState[]): Promise<boolean> {
		const at = this.host.now();
		const epochs = states.map((state) => state.watchEpoch);
		const arrived = await this.#link.barrier();
		const settled = states.filter((state, index) => arrived && state.intact && state.watchEpoch === epochs[index]);
		for (const state of settled) state.asOf = Math.max(state.asOf, at);
		this.host.changed();
		return settled.length === states.length;
	}

	/** Redis removes what has expired when it comes across it, and says so only then. */
	async #reviewExpired(): Promise<void> {
		if (this.options.server.backend !== "REDIS" || !this.host.indexed()) return;
		const until = this.host.now();
		for (const state of this.states) {
			const keys = this.host.writer().expiredKeys(state.place.id, this.#expiredUntil, until, EXPIRED_AT_ONCE);
			if (keys.length === EXPIRED_AT_ONCE) this.#doubt(state);
			else await this.#look(state, keys);
		}
		this.#expiredUntil = until;
	}

	#isOld({ scanning, scannedAt, established }: ServerState): boolean {
		const every = this.options.reconcileEverySeconds * 1000;
		if (every === 0 || scanning !== null) return false;
		const poll = Math.min(every, Math.max(POLL_MS, POLL_SHARE * this.#scanMs));
		return this.host.now() - scannedAt >= (this.options.watch && !established ? poll : every);
	}

	async #onChanges(place: string, keys: readonly string[]): Promise<void> {
		await this.host.ready();
		const state = this.states.find((known) => known.place.place === place);
		if (!state || this.#closing) return;
		try {
			await this.#look(state, keys);
			this.host.changed();
		} catch (error) {
			this.host.failed(error);
		}
	}

	/** What can't be looked at is for a scan to find out. */
	async #look(state: ServerState, keys: readonly string[]): Promise<void> {
		if (keys.length === 0) return;
		try {
			await this.#reconciler.review(state, keys);
		} catch (error) {
			failureIn(error);
			this.#doubt(state);
		}
	}

	#onBroken(place: string | null, reason: string): void {
		if (this.#closing) return;
		this.#following = false;
		const doubted = this.states.filter((state) => place === null || state.place.place === place);
		if (doubted.some((state) => state.intact)) this.#log("info", "changes may have been missed; scanning", { place, reason });
		for (const state of doubted) state.doubt();
		this.wake();
	}

	#doubt(state: ServerState): void {
		state.doubt();
		this.wake();
	}

	#log(level: LogLevel, message: string, facts: Record<string, unknown>): void {
		const { backend, location } = this.options.server;
		this.host.log(level, message, { backend, location, ...facts });
	}
}

/** What kept the server from being read. Anything else concerns the index, and is thrown on. */
function failureIn(error: unknown): Failure {
	if (error instanceof SourceFailure) return error.failure;
	throw error;
}
