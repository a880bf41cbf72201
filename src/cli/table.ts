import Table from "cli-table3";
import type { Terminal } from "./terminal.js";

export interface Column {
	readonly title: string;
	readonly align?: "right";
}

const NO_LINES = {
	top: "",
	"top-mid": "",
	"top-left": "",
	"top-right": "",
	bottom: "",
	"bottom-mid": "",
	"bottom-left": "",
	"bottom-right": "",
	left: "",
	"left-mid": "",
	mid: "",
	"mid-mid": "",
	right: "",
	"right-mid": "",
	middle: "  ",
};

/** Columns without lines, so that it can be cut and grepped. Widths count Chinese characters twice, as terminals do. */
export function formatTable({ colors }: Terminal, columns: readonly Column[], rows: readonly (readonly string[])[]): string {
	const table = new Table({
		head: columns.map((column) => colors.bold(column.title)),
		colAligns: columns.map((column) => column.align ?? "left"),
		chars: NO_LINES,
		style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
	});
	table.push(...rows.map((row) => [...row]));
	return table
		.toString()
		.split("\n")
		.map((line) => line.trimEnd())
		.join("\n");
}
