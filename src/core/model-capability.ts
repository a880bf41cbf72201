/** What a model can do, and under which names it is found. */
export interface ModelCapability {
	readonly name: string;
	readonly provider: string;
	/** 1 to 5. */
	readonly capabilityLevel: number;
	readonly roles: readonly string[];
	readonly features: readonly string[];
	readonly enabled: boolean;
}

export interface ModelConfig {
	readonly version: number;
	readonly updatedAt: number;
	readonly updatedBy: string;
	readonly models: readonly ModelCapability[];
}

/** The names that are tried, in order: an aggregator's name such as `openai/gpt-4` falls back to `gpt-4`. */
export function namesToTry(model: string): string[] {
	const parts = model.split("/");
	return parts.map((_, i) => parts.slice(i).join("/")).filter((name) => name !== "");
}

/** Null for a model that is unknown under each of its names. */
export function capabilityOf(models: readonly ModelCapability[], model: string): ModelCapability | null {
	for (const name of namesToTry(model)) {
		const found = models.find((one) => one.name === name);
		if (found !== undefined) return found;
	}
	return null;
}

export interface ModelDifference {
	readonly added: readonly string[];
	readonly removed: readonly string[];
	/** Only the members that differ. */
	readonly changed: readonly { readonly name: string; readonly before: object; readonly after: object }[];
}

export function differenceOf(before: readonly ModelCapability[], after: readonly ModelCapability[]): ModelDifference {
	const earlier = new Map(before.map((model) => [model.name, model]));
	const later = new Map(after.map((model) => [model.name, model]));
	return {
		added: after.filter(({ name }) => !earlier.has(name)).map(({ name }) => name),
		removed: before.filter(({ name }) => !later.has(name)).map(({ name }) => name),
		changed: after.flatMap((model) => {
			const old = earlier.get(model.name);
			const members = (Object.keys(model) as (keyof ModelCapability)[]).filter(
				(member) => old !== undefined && JSON.stringify(old[member]) !== JSON.stringify(model[member]),
			);
			if (old === undefined || members.length === 0) return [];
			const of = (one: ModelCapability) => Object.fromEntries(members.map((member) => [member, one[member]]));
			return [{ name: model.name, before: of(old), after: of(model) }];
		}),
	};
}
