/** Documents that cost far more than they look, for every transport. All are valid but for what they cost. */

/** Types of types of types. */
export function deepQuery(depth: number): string {
	return `{ __type(name: "Query") { ${"ofType { ".repeat(depth)} name ${"} ".repeat(depth)} } }`;
}

export function aliasBomb(count: number): string {
	return `{ viewer { ${Array.from({ length: count }, (_, n) => `a${n}: id`).join(" ")} } }`;
}

/** Three fragments of 20 aliases each, every one spreading the next. */
export function fragmentBomb(): string {
	const fragment = (n: number, more: string) =>
		`fragment F${n} on CacheEntry { ${Array.from({ length: 20 }, (_, a) => `a${n}x${a}: key`).join(" ")} ${more} }`;
	return `{ cacheDetails { nodes { ...F1 } } } ${fragment(1, "...F2")} ${fragment(2, "...F3")} ${fragment(3, "")}`;
}

export function tokenBomb(tokens: number): string {
	return `{ viewer { ${"id ".repeat(tokens)} } }`;
}

/** Each of 200 jobs with 200 of its failures. */
export function costBomb(): string {
	return "{ jobs(first: 200) { nodes { failures(first: 200) { nodes { id code message } } } } }";
}
