/**
 * Whose job starts next: among users who are under their limit the one with the fewest running jobs, then the one who was
 * served longest ago. A user with one job does not wait behind another's hundred; each user's own jobs keep their order.
 */
interface User {
	readonly waiting: Set<string>;
	running: number;
	/** When a job of his was started last, in starts; 0 for a newcomer. */
	served: number;
}

export class FairQueue {
	private readonly users = new Map<string, User>();
	private starts = 0;

	constructor(private readonly limitPerUser: number) {}

	add(userId: string, id: string): void {
		const user = this.users.get(userId) ?? { waiting: new Set(), running: 0, served: 0 };
		this.users.set(userId, user);
		user.waiting.add(id);
	}

	/** False when it does not wait. */
	remove(userId: string, id: string): boolean {
		const removed = this.users.get(userId)?.waiting.delete(id) ?? false;
		this.forget(userId);
		return removed;
	}

	/** The next job, now counted as running; null when nobody may start one. */
	take(): string | null {
		let next: User | null = null;
		for (const user of this.users.values()) {
			if (user.waiting.size === 0 || user.running >= this.limitPerUser) continue;
			if (next === null || user.running < next.running || (user.running === next.running && user.served < next.served)) next = user;
		}
		const [id] = next?.waiting ?? [];
		if (next === null || id === undefined) return null;
		next.waiting.delete(id);
		next.running++;
		next.served = ++this.starts;
		return id;
	}

	/** A job that was taken runs no more. */
	done(userId: string): void {
		const user = this.users.get(userId);
		if (user !== undefined) user.running--;
		this.forget(userId);
	}

	counts(userId: string): { readonly pending: number; readonly processing: number } {
		const user = this.users.get(userId);
		return { pending: user?.waiting.size ?? 0, processing: user?.running ?? 0 };
	}

	private forget(userId: string): void {
		const user = this.users.get(userId);
		if (user !== undefined && user.waiting.size === 0 && user.running === 0) this.users.delete(userId);
	}
}
