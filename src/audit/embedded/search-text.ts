/**
 * Keyword search on SQLite's trigram index: any text of three characters and more is found without reading the log. Texts
 * of one or two characters are common in Chinese, so each such piece is indexed with a mark that fills it up to three.
 * Shorter keywords in other scripts read every text.
 */
import type { SequencedEntry } from "../chain.js";
import { entryText } from "../entry-text.js";

const MARK = "\u0001";
const IDEOGRAPHS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+/gu;
const ALL_IDEOGRAPHS = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+$/u;

export function searchText(entry: SequencedEntry): string {
	const plain = entryText(entry);
	const marked = plain.match(IDEOGRAPHS)?.map(markedPieces) ?? [];
	return marked.length === 0 ? plain : `${plain}\n${marked.join("")}`;
}

function markedPieces(run: string): string {
	const characters = [...run];
	return characters
		.map((character, i) => `${character}${MARK}${MARK}${characters[i + 1] === undefined ? "" : `${character}${characters[i + 1]}${MARK}`}`)
		.join("");
}

/** The condition on `audit_search`, with its one value. */
export function searchCondition(keyword: string): { readonly sql: string; readonly value: string } {
	const characters = [...keyword];
	if (characters.length >= 3) return { sql: "audit_search MATCH ?", value: quoted(keyword) };
	if (ALL_IDEOGRAPHS.test(keyword)) return { sql: "audit_search MATCH ?", value: quoted(keyword + MARK.repeat(3 - characters.length)) };
	return { sql: "instr(lower(audit_search.text), lower(?)) > 0", value: keyword };
}

function quoted(text: string): string {
	return `"${text.replaceAll('"', '""')}"`;
}
