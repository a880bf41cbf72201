/**
 * A slice of a list in Relay's terms, already checked: exactly one direction, 1 to the list's limit.
 * Source: Relay Cursor Connections Specification.
 */
export interface PageRequest {
	readonly direction: "forward" | "backward";
	readonly limit: number;
	/** Exclusive start: `after` going forward, `before` going backward. Null for the list's edge. */
	readonly cursor: string | null;
}

export interface Page<T> {
	/** In list order, whichever way was read. */
	readonly items: readonly { readonly cursor: string; readonly node: T }[];
	readonly hasNextPage: boolean;
	readonly hasPreviousPage: boolean;
}
