import type { Redis } from "ioredis";

interface Reading {
	readonly serverMs: number;
	readonly readAt: number;
}

/** The time on the servers, which are asked once a connection: of several, the one that is ahead. Good to the time that an answer takes. */
export class ServerClock {
	private reading: Promise<Reading> | null = null;

	constructor(private readonly servers: () => readonly Redis[]) {}

	/** Milliseconds since the epoch. Rejects with what the driver does. */
	async now(): Promise<number> {
		this.reading ??= this.ask();
		try {
			const { serverMs, readAt } = await this.reading;
			return serverMs + performance.now() - readAt;
		} catch (error) {
			this.forget();
			throw error;
		}
	}

	/** It was set, or it is another server now. */
	forget(): void {
		this.reading = null;
	}

	private async ask(): Promise<Reading> {
		// The earlier of the two moments between which the server looked: rather too early than too late.
		const readAt = performance.now();
		const told = await Promise.all(this.servers().map((server) => server.time()));
		const times = told.map((time) => Number(time[0]) * 1000 + Number(time[1]) / 1000);
		return { serverMs: Math.max(...times), readAt };
	}
}
