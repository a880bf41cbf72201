import { z } from "zod";

const word = z.string().trim().min(1).max(200);

export const modelInput = z.object({
	name: word,
	provider: word,
	capabilityLevel: z.number().int().min(1).max(5),
	roles: z.array(word).max(100),
	features: z.array(word).max(100),
	enabled: z.boolean(),
});

/** What a CONFIG_CHANGE job keeps as its input. */
export const configChangeJobInput = z.object({
	expectedVersion: z.number().int().min(0),
	models: z
		.array(modelInput)
		.max(1000)
		.refine((models) => new Set(models.map(({ name }) => name)).size === models.length, "models with names of their own"),
});
export type ConfigChangeInput = z.infer<typeof configChangeJobInput>;
