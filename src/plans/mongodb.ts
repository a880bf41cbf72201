import mongoose, { type mongo } from "mongoose";
import { type Clock, DAY_MS } from "../core/clock.js";
import { CachewardenError } from "../core/errors.js";
import { isMongoFailure, within } from "../mongodb/failures.js";
import type { Plan, PlanStore } from "./port.js";

const KEPT_PER_USER = 5;
const ANSWER_WITHIN_MS = 4_000;

type PlanDocument = Omit<Plan, "id"> & { readonly _id: string; readonly number: mongo.ObjectId };

/** Plans in MongoDB, where every server and worker finds them. */
export async function openMongodbPlans({ db, clock }: { readonly db: mongo.Db; readonly clock: Clock }): Promise<PlanStore> {
	const plans = db.collection<PlanDocument>("cachewarden_plans");
	await available(plans.createIndexes([{ key: { userId: 1, createdAt: -1, number: -1 } }, { key: { expiresAt: 1 } }]));
	return {
		async save({ id, ...plan }) {
			await available(plans.insertOne({ _id: id, ...plan, number: new mongoose.mongo.ObjectId() }));
			const newest = await available(
				plans
					.find({ userId: plan.userId }, { projection: { _id: 1 } })
					.sort({ createdAt: -1, number: -1 })
					.limit(KEPT_PER_USER)
					.toArray(),
			);
			await available(
				plans.deleteMany({
					$or: [{ userId: plan.userId, _id: { $nin: newest.map(({ _id }) => _id) } }, { expiresAt: { $lt: plan.createdAt - DAY_MS } }],
				}),
			);
		},

		async find(id) {
			const found = await available(plans.findOne({ _id: id, expiresAt: { $gte: clock.now() - DAY_MS } }));
			if (found === null) return null;
			const { userId, kind, selection, epoch, createdAt, expiresAt } = found;
			return { id, userId, kind, selection, epoch, createdAt, expiresAt };
		},
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
