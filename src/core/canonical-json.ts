/** JSON with the members of every object in the order of their names: one text for one value, whoever wrote it. */
export function canonicalJson(value: unknown): string {
	if (typeof value === "string") return quoted(value);
	if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
	if (!Array.isArray(value)) return `{${canonicalMembers(value as Members, sortedNames(value))}}`;
	let text = "";
	for (let i = 0; i < value.length; i++) text += `${i === 0 ? "" : ","}${canonicalJson(value[i] ?? null)}`;
	return `[${text}]`;
}

/** The members of an object on either side of where one of this name, which it does not have, would stand. */
export function canonicalHalves(value: object, name: string): { readonly before: string; readonly after: string } {
	const names = sortedNames(value);
	const place = names.findIndex((other) => other > name);
	const at = place < 0 ? names.length : place;
	return {
		before: canonicalMembers(value as Members, names.slice(0, at)),
		after: canonicalMembers(value as Members, names.slice(at)),
	};
}

type Members = Readonly<Record<string, unknown>>;

/** More names than this are not put in order one by one. */
const MANY = 24;
/** What JSON writes as it is. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
	return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

function canonicalMembers(value: Members, names: readonly string[]): string {
	let text = "";
	for (const name of names) {
		const member = value[name];
		if (member !== undefined) text += `${text === "" ? "" : ","}${quoted(name)}:${canonicalJson(member)}`;
	}
	return text;
}

/** By UTF-16 units, as `<` compares. Most objects are small, and many are in this order already. */
function sortedNames(value: object): string[] {
	const names = Object.keys(value);
	if (names.length > MANY) return names.sort();
	for (let i = 1; i < names.length; i++) {
		const name = names[i] as string;
		let at = i;
		for (; at > 0 && (names[at - 1] as string) > name; at--) names[at] = names[at - 1] as string;
		names[at] = name;
	}
	return names;
}
