/** Code blocks in pages that are taken from elsewhere: `<!-- file: PATH -->` or `<!-- help: COMMAND -->` stands before each. */
const BLOCK = /(<!-- (file|help): (.*?) -->\n```\w*\n)([\s\S]*?)(^```$)/gm;

export interface DocBlock {
	readonly kind: "file" | "help";
	/** The path of the file, or the words of the command. */
	readonly name: string;
	readonly text: string;
}

export function blocksOf(page: string): DocBlock[] {
	return [...page.matchAll(BLOCK)].map(([, , kind, name = "", text = ""]) => ({ kind: kind as DocBlock["kind"], name, text }));
}

/** The page with each block as it is now. */
export function withBlocks(page: string, textOf: (block: Pick<DocBlock, "kind" | "name">) => string): string {
	return page.replace(BLOCK, (_whole, before: string, kind: DocBlock["kind"], name: string, _text: string, end: string) => {
		return `${before}${textOf({ kind, name })}${end}`;
	});
}
