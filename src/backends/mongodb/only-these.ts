/**
 * Filters that match documents only as they were seen. So that the server need not compare a document with all the others of a
 * batch, what was seen lies in buckets by the first of its times and its size, both of which it compares anyway: a document is
 * looked for in the bucket of what it is now, and when it is another now it is either not in that bucket or not equal to what is.
 */
import { randomBytes } from "node:crypto";
import type { mongo } from "mongoose";
import type { EntryRef } from "../../core/entry.js";
import type { DocumentProof } from "./document-proof.js";

/** An entry whose document is there, and what the server compares when it deletes it. */
export interface DueDocument {
	readonly entry: EntryRef;
	readonly _id: unknown;
	readonly proof: DocumentProof;
}

/** A stretch of an index by time, both ends included. */
export interface Stretch {
	readonly field: DocumentProof["fields"][number];
	readonly filter: mongo.Filter<mongo.Document>;
}

type Statement = { readonly deleteMany: { readonly filter: mongo.Filter<mongo.Document>; readonly hint: mongo.Document } };

/** Prime, so that times at regular intervals do not share them. */
const BUCKETS = 251;
/** A proof of so many values is of times. */
const TIMES = 2;
/** Between an id and what is compared with it, which are numbers: an id with a separator in it is told apart all the same. */
const SEPARATOR = "\n";
const BETWEEN_BYTES = 12;

/** Deletes these, found by their ids. */
export function onlyThese(due: readonly DueDocument[]): Statement[] {
	return [...grouped(due)].map(([fields, alike]) => ({
		deleteMany: { filter: { _id: { $in: alike.map(({ _id }) => _id) as never[] }, ...asSeen(fields, alike) }, hint: { _id: 1 } },
	}));
}

/** The same of documents that all have a stretch in common: an index by time leads to them in the order in which they were written. */
export function onlyTheseByTime(due: readonly DueDocument[]): Statement[] | null {
	const stretch = stretchOf(due.map(({ proof }) => proof));
	const fields = due[0]?.proof.fields;
	if (stretch === null || fields === undefined) return null;
	return [{ deleteMany: { filter: { ...stretch.filter, ...asSeen(fields, due) }, hint: { [stretch.field]: 1 } } }];
}

/** Of a proof of times, in milliseconds. */
export function firstTime({ values }: DocumentProof): number {
	return (values[0] as Date).getTime();
}

/** From the first to the last of their times; null when they do not keep their times in the same fields. */
export function stretchOf(proofs: readonly DocumentProof[]): Stretch | null {
	const fields = proofs[0]?.fields;
	const field = fields?.[0];
	if (field === undefined || fields?.length !== TIMES || proofs.some((proof) => proof.fields !== fields)) return null;
	let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
	for (const proof of proofs) {
		const time = firstTime(proof);
		if (time < first) first = time;
		if (time > last) last = time;
	}
	return { field, filter: { [field]: { $gte: new Date(first), $lte: new Date(last) } } };
}

/** Of any document that the server comes across, also one of a stretch that is none of these. */
function asSeen(fields: DocumentProof["fields"], due: readonly DueDocument[]): mongo.Filter<mongo.Document> {
	const isText = fields.length === TIMES && due.every(({ _id }) => typeof _id === "string");
	return { $expr: isText ? amongTexts(fields, due) : amongValues(fields, due) };
}

const SIZE = { $bsonSize: "$$ROOT" };

/**
 * Of ids that are texts, and times: each document is a text, and a bucket the texts of its documents one after the other, since
 * the server takes in few long texts in a third of the time that it takes for the same values in arrays.
 */
function amongTexts(fields: DocumentProof["fields"], due: readonly DueDocument[]): mongo.Document {
	// Drawn anew each time, so that no id has it in it, and none can look like several documents.
	const between = randomBytes(BETWEEN_BYTES).toString("base64");
	const buckets = new Array<string>(BUCKETS).fill(between);
	for (const { _id, proof, entry } of due) {
		const times = proof.values.map((value) => (value as Date).getTime());
		buckets[((times[0] as number) + entry.size) % BUCKETS] += [_id, ...times, entry.size].join(SEPARATOR) + between;
	}
	// Anything may have been written since; a document without a time, or whose id is no text, must not make the others fail.
	const id = { $cond: [{ $eq: [{ $type: "$_id" }, "string"] }, "$_id", between] };
	const [first, second] = fields.map((field) => ({ $convert: { input: `$${field}`, to: "long", onError: -1, onNull: -1 } }));
	const numbers = ["$$first", second, "$$size"].flatMap((number) => [SEPARATOR, { $toString: number }]);
	const now = { $concat: [between, id, ...numbers, between] };
	return {
		$let: { vars: { first, size: SIZE }, in: { $gte: [{ $indexOfBytes: [bucketOf("$$first", "$$size", buckets), now] }, 0] } },
	};
}

/** Of any. Fields that are not there compare as null; the size tells when one has come that was not. */
function amongValues(fields: DocumentProof["fields"], due: readonly DueDocument[]): mongo.Document {
	const buckets: unknown[][] = Array.from({ length: BUCKETS }, () => []);
	for (const { _id, proof, entry } of due) {
		const [first] = proof.values;
		const place = ((first instanceof Date ? first.getTime() || 0 : 0) + entry.size) % BUCKETS;
		// Of a time before 1970 the remainder is negative, and counted from the end.
		buckets.at(place)?.push([_id, ...proof.values, entry.size]);
	}
	const time = { $cond: [{ $eq: [{ $type: `$${fields[0]}` }, "date"] }, { $toLong: `$${fields[0]}` }, 0] };
	return { $in: [["$_id", ...fields.map((field) => `$${field}`), SIZE], bucketOf(time, SIZE, buckets)] };
}

/** Which of these the server looks into. */
function bucketOf(time: unknown, size: unknown, buckets: readonly unknown[]): mongo.Document {
	return { $arrayElemAt: [{ $literal: buckets }, { $mod: [{ $add: [time, size] }, BUCKETS] }] };
}

/** By the fields that are compared, since those with the same fields share a filter. */
function grouped(due: readonly DueDocument[]): Map<DocumentProof["fields"], DueDocument[]> {
	const groups = new Map<DocumentProof["fields"], DueDocument[]>();
	for (const one of due) {
		const group = groups.get(one.proof.fields);
		if (group) group.push(one);
		else groups.set(one.proof.fields, [one]);
	}
	return groups;
}
