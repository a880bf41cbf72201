/** What kept plans do inside the store's threads. */
import { DAY_MS } from "../core/clock.js";
import type { Db } from "../store/database.js";
import type { StoreModule } from "../store/procedures.js";
import type { Plan } from "./port.js";

const KEPT_PER_USER = 5;

interface PlanRow {
	readonly id: string;
	readonly user_id: string;
	readonly kind: Plan["kind"];
	readonly selection: string;
	readonly epoch: string;
	readonly created_at: number;
	readonly expires_at: number;
}

function planWrites(db: Db) {
	const insert = db.prepare("INSERT INTO plans (id, user_id, kind, selection, epoch, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)");
	const forgetOlder = db.prepare(
		"DELETE FROM plans WHERE user_id = ? AND number NOT IN (SELECT number FROM plans WHERE user_id = ? ORDER BY number DESC LIMIT ?)",
	);
	const forgetExpired = db.prepare("DELETE FROM plans WHERE expires_at < ?");
	return {
		save(plan: Plan): void {
			insert.run(plan.id, plan.userId, plan.kind, JSON.stringify(plan.selection), plan.epoch, plan.createdAt, plan.expiresAt);
			forgetOlder.run(plan.userId, plan.userId, KEPT_PER_USER);
			forgetExpired.run(plan.createdAt - DAY_MS);
		},
	};
}

function planReads(db: Db) {
	const one = db.prepare("SELECT * FROM plans WHERE id = ? AND expires_at >= ?");
	return {
		find({ id, now }: { readonly id: string; readonly now: number }): Plan | null {
			const row = one.row<PlanRow>(id, now - DAY_MS);
			if (row === undefined) return null;
			return {
				id: row.id,
				userId: row.user_id,
				kind: row.kind,
				selection: JSON.parse(row.selection) as Plan["selection"],
				epoch: row.epoch,
				createdAt: row.created_at,
				expiresAt: row.expires_at,
			};
		},
	};
}

export const storeModule: StoreModule<null, ReturnType<typeof planWrites>, ReturnType<typeof planReads>> = {
	migrations: [
		`
		CREATE TABLE plans (
			number INTEGER PRIMARY KEY AUTOINCREMENT,
			id TEXT NOT NULL UNIQUE,
			user_id TEXT NOT NULL,
			kind TEXT NOT NULL,
			selection TEXT NOT NULL,
			epoch TEXT NOT NULL,
			created_at INTEGER NOT NULL,
			expires_at INTEGER NOT NULL
		);
		CREATE INDEX plans_by_user ON plans (user_id);
		`,
	],
	writes: planWrites,
	reads: planReads,
};
