import type { mongo } from "mongoose";
import { CachewardenError } from "../core/errors.js";
import type { Schedule } from "../core/schedule.js";
import { isMongoFailure, within } from "../mongodb/failures.js";
import type { ScheduleState, ScheduleStore } from "./port.js";

const ANSWER_WITHIN_MS = 4_000;

/** An input may hold any names, so it is kept as JSON. */
type ScheduleDocument = Omit<Schedule, "id" | "input"> & { readonly _id: string; readonly input: string };

function scheduleOf({ _id, input, ...rest }: ScheduleDocument): Schedule {
	return { id: _id, ...rest, input: JSON.parse(input) as Schedule["input"] };
}

/** Schedules in MongoDB, which every server runs, each run once. */
export async function openMongodbSchedules(db: mongo.Db): Promise<ScheduleStore> {
	const schedules = db.collection<ScheduleDocument>("cachewarden_schedules");
	await available(schedules.createIndexes([{ key: { ownerId: 1, createdAt: 1, _id: 1 } }, { key: { createdAt: 1, _id: 1 } }]));
	return {
		async add({ id, input, ...rest }) {
			await available(schedules.insertOne({ _id: id, ...rest, input: JSON.stringify(input) }));
		},

		async get(id) {
			const found = await available(schedules.findOne({ _id: id }));
			return found === null ? null : scheduleOf(found);
		},

		async list(ownerId) {
			const found = schedules.find(ownerId === null ? {} : { ownerId }, { sort: { createdAt: 1, _id: 1 } });
			return (await available(found.toArray())).map(scheduleOf);
		},

		async change(id, { input, ...change }, state = {}) {
			const $set = { ...change, ...(input === undefined ? {} : { input: JSON.stringify(input) }) };
			const found = await available(schedules.findOneAndUpdate({ _id: id, ...conditionsOf(state) }, { $set }, { returnDocument: "after" }));
			return found === null ? null : scheduleOf(found);
		},

		async remove(id) {
			return (await available(schedules.deleteOne({ _id: id }))).deletedCount > 0;
		},
	};
}

function conditionsOf({ nextRunAt, lastJobId, lastRunAt }: ScheduleState): mongo.Filter<ScheduleDocument> {
	return {
		...(nextRunAt === undefined ? {} : { nextRunAt }),
		// Null also stands for a run that there was not.
		...(lastJobId === undefined ? {} : { "lastRun.jobId": lastJobId }),
		...(lastRunAt === undefined ? {} : { "lastRun.at": lastRunAt }),
	};
}

async function available<T>(work: Promise<T>): Promise<T> {
	try {
		return await within(ANSWER_WITHIN_MS, work);
	} catch (error) {
		if (!isMongoFailure(error)) throw error;
		throw new CachewardenError("BACKEND_UNAVAILABLE", undefined, { cause: error });
	}
}
