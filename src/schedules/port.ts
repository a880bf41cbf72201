/** The port of kept schedules. Embedded, or shared by several servers. One contract suite (test/contract/schedules.ts). */
import type { Schedule } from "../core/schedule.js";

/** What may be changed of a schedule. */
export type ScheduleChange = Partial<Omit<Schedule, "id" | "ownerId" | "ownerName" | "createdAt">>;

/** How a schedule must stand for a change to be made: of several servers, one gets through. */
export interface ScheduleState {
	readonly nextRunAt?: number | null;
	readonly lastJobId?: string | null;
	readonly lastRunAt?: number | null;
}

export interface ScheduleStore {
	add(schedule: Schedule): Promise<void>;
	get(id: string): Promise<Schedule | null>;
	/** The oldest first; those of one owner, or all. */
	list(ownerId: string | null): Promise<Schedule[]>;
	/** Whole or not at all; null when it is not there, or not in the state that was named. */
	change(id: string, change: ScheduleChange, state?: ScheduleState): Promise<Schedule | null>;
	/** False when it is not there. */
	remove(id: string): Promise<boolean>;
}
