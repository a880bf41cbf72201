/**
 * Lines of CSV (RFC 4180) as spreadsheets read them, in China too: UTF-8 with a byte-order mark. A text that a spreadsheet
 * would take for a formula is preceded by an apostrophe, which it does not show. Source: OWASP, CSV Injection.
 */
export const CSV_BEGINNING = "\uFEFF";

const FORMULA = /^\s*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/u;

export type CsvValue = string | number | boolean | null;

export function csvLine(values: readonly CsvValue[]): string {
	return `${values.map(cell).join(",")}\r\n`;
}

function cell(value: CsvValue): string {
	if (value === null) return "";
	if (typeof value !== "string") return String(value);
	const text = FORMULA.test(value) ? `'${value}` : value;
	return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
