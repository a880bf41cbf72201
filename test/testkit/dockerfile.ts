/** A Dockerfile's stages, as far as this project's needs: no heredocs, no flags but `--from`. */
export interface Instruction {
	readonly name: string;
	readonly text: string;
}

export interface Stage {
	readonly name: string | null;
	readonly instructions: readonly Instruction[];
}

export function stagesOf(text: string): Stage[] {
	const stages: { name: string | null; instructions: Instruction[] }[] = [];
	for (const line of text.split("\n")) {
		const [, name = "", rest = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
		if (name === "FROM") stages.push({ name: / AS (\w+)$/.exec(rest)?.[1] ?? null, instructions: [] });
		if (name !== "") stages.at(-1)?.instructions.push({ name, text: rest });
	}
	return stages;
}

/** Sources and target of a COPY. */
export function copyOf({ text }: Instruction): {
	readonly from: string | null;
	readonly sources: readonly string[];
	readonly target: string;
} {
	const words = text.split(" ");
	const from = words[0]?.startsWith("--from=") ? words.shift()?.slice("--from=".length) : undefined;
	const target = words.pop() ?? "";
	return { from: from ?? null, sources: words, target };
}
