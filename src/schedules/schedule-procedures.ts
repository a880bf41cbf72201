/** What kept schedules do inside the store's threads. */
import type { Schedule } from "../core/schedule.js";
import type { Db } from "../store/database.js";
import type { StoreModule } from "../store/procedures.js";
import type { ScheduleChange, ScheduleState } from "./port.js";

interface ScheduleRow {
	readonly schedule: string;
}

function scheduleOf({ schedule }: ScheduleRow): Schedule {
	return JSON.parse(schedule) as Schedule;
}

function stands(schedule: Schedule, { nextRunAt, lastJobId, lastRunAt }: ScheduleState): boolean {
	if (nextRunAt !== undefined && schedule.nextRunAt !== nextRunAt) return false;
	if (lastJobId !== undefined && (schedule.lastRun?.jobId ?? null) !== lastJobId) return false;
	return lastRunAt === undefined || (schedule.lastRun?.at ?? null) === lastRunAt;
}

function scheduleWrites(db: Db) {
	const insert = db.prepare("INSERT INTO schedules (id, owner_id, schedule) VALUES (?, ?, ?)");
	const one = db.prepare("SELECT schedule FROM schedules WHERE id = ?");
	const set = db.prepare("UPDATE schedules SET schedule = ? WHERE id = ?");
	const forget = db.prepare("DELETE FROM schedules WHERE id = ?");
	return {
		add(schedule: Schedule): void {
			insert.run(schedule.id, schedule.ownerId, JSON.stringify(schedule));
		},
		change({
			id,
			change,
			state,
		}: {
			readonly id: string;
			readonly change: ScheduleChange;
			readonly state: ScheduleState;
		}): Schedule | null {
			const row = one.row<ScheduleRow>(id);
			if (row === undefined || !stands(scheduleOf(row), state)) return null;
			const changed: Schedule = { ...scheduleOf(row), ...change };
			set.run(JSON.stringify(changed), id);
			return changed;
		},
		remove: (id: string): boolean => forget.run(id) > 0,
	};
}

function scheduleReads(db: Db) {
	const one = db.prepare("SELECT schedule FROM schedules WHERE id = ?");
	const all = db.prepare("SELECT schedule FROM schedules WHERE ? IS NULL OR owner_id = ? ORDER BY number");
	return {
		get(id: string): Schedule | null {
			const row = one.row<ScheduleRow>(id);
			return row === undefined ? null : scheduleOf(row);
		},
		list: (ownerId: string | null): Schedule[] => all.rows<ScheduleRow>(ownerId, ownerId).map(scheduleOf),
	};
}

export const storeModule: StoreModule<null, ReturnType<typeof scheduleWrites>, ReturnType<typeof scheduleReads>> = {
	migrations: [
		`
		CREATE TABLE schedules (
			number INTEGER PRIMARY KEY AUTOINCREMENT,
			id TEXT NOT NULL UNIQUE,
			owner_id TEXT NOT NULL,
			schedule TEXT NOT NULL
		);
		CREATE INDEX schedules_by_owner ON schedules (owner_id, number);
		`,
	],
	writes: scheduleWrites,
	reads: scheduleReads,
};
