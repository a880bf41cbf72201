import mongoose, { type mongo } from "mongoose";
import { type Clock, DAY_MS } from "../core/clock.js";
import { CachewardenError } from "../core/errors.js";
import type { PlaceGroup } from "../core/place-groups.js";
import { isMongoFailure, within } from "../mongodb/failures.js";
import { PlannedEntries, type WrittenFacts } from "./planned-entries.js";
import type { Plan, PlanStore } from "./port.js";

const KEPT_PER_USER = 5;
const ANSWER_WITHIN_MS = 4_000;
const SILENT_MS = 10_000;

type PlanDocument = Omit<Plan, "id"> & WrittenFacts & { readonly _id: string; readonly number: mongo.ObjectId };

export interface MongodbPlansOptions {
	readonly db: mongo.Db;
	readonly clock: Clock;
	/** Every place that this process can reach: a plan is only carried out where its places are. */
	readonly groups: readonly PlaceGroup[];
	/** When nothing more of a plan was written for so long, nobody writes it any more. Default 10,000. */
	readonly silentMs?: number;
	/** A plan could not be written down: only its own server can carry it out. */
	readonly writeFailed: (planId: string, error: unknown) => void;
}

/** Plans in MongoDB, where every server finds them. */
export async function openMongodbPlans({ db, clock, groups, silentMs = SILENT_MS, writeFailed }: MongodbPlansOptions): Promise<PlanStore> {
	const plans = db.collection<PlanDocument>("cachewarden_plans");
	await available(plans.createIndexes([{ key: { userId: 1, createdAt: -1, number: -1 } }, { key: { expiresAt: 1 } }]));
	const shared = new PlannedEntries<PlanDocument>({ plans, db, groups, available, silentMs, writeFailed });
	await shared.index();
	return {
		shared,

		async save(saved) {
			const { id, ...plan } = saved;
			const facts: WrittenFacts = { groups: shared.groupsOf(saved), chunks: 0, layers: null, held: false };
			await available(plans.insertOne({ _id: id, ...plan, ...facts, number: new mongoose.mongo.ObjectId() }));
			const older = await available(
				plans
					.find({ userId: plan.userId, held: { $ne: true } }, { projection: { _id: 1 } })
					.sort({ createdAt: -1, number: -1 })
					.skip(KEPT_PER_USER)
					.map(({ _id }) => _id)
					.toArray(),
			);
			const expiredBefore = plan.createdAt - DAY_MS;
			await available(plans.deleteMany({ $or: [{ _id: { $in: older }, held: { $ne: true } }, { expiresAt: { $lt: expiredBefore } }] }));
			// One that was accepted meanwhile is still there.
			const stillThere = new Set(await available(plans.distinct("_id", { _id: { $in: older } })));
			const gone = older.filter((one) => !stillThere.has(one));
			await shared.forget(gone, expiredBefore);
		},

		async find(id) {
			const found = await available(plans.findOne({ _id: id, expiresAt: { $gte: clock.now() - DAY_MS } }));
			if (found === null) return null;
			const { userId, kind, selection, epoch, createdAt, expiresAt } = found;
			return { id, userId, kind, selection, epoch, createdAt, expiresAt };
		},

		close: () => shared.close(),
	};
}

/** Without its plan nothing is removed, so what cannot be read is an error and no missing plan. */
async function available<T>(work: Promise<T>): Promise<T> {
	try {
		return await within(ANSWER_WITHIN_MS, work);
	} catch (error) {
		if (!isMongoFailure(error)) throw error;
		throw new CachewardenError("BACKEND_UNAVAILABLE", undefined, { cause: error });
	}
}
