/** Everything but `data`, which can be large: the server answers with some hundred bytes a document. */
export const FACTS_PROJECTION = {
	symbol: 1,
	data_type: 1,
	market_type: 1,
	data_source: 1,
	created_at: 1,
	updated_at: 1,
	timestamp: 1,
	expires_at: 1,
	"metadata.symbol": 1,
	"metadata.data_type": 1,
	"metadata.data_source": 1,
	"metadata.market_type": 1,
	size: { $bsonSize: "$$ROOT" },
} as const;

/** A document as `FACTS_PROJECTION` gives it. Its fields may hold anything: other programs write them. */
export interface DocumentFacts {
	readonly _id: unknown;
	readonly size: number;
	readonly created_at?: unknown;
	readonly updated_at?: unknown;
	readonly timestamp?: unknown;
	readonly expires_at?: unknown;
	readonly [field: string]: unknown;
}
