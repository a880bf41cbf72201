/** A change of the model configuration whose process gets SIGKILL at each of its steps. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { NEW, OLD, openConfigChange } from "../testkit/config-change.js";
import { killAll, linesOf } from "../testkit/lines-of.js";
import { temporaryFolder } from "../testkit/temporary.js";

interface Line {
	readonly at?: string;
	readonly ended?: string;
}

const SOAK = process.env.SOAK === "1";
/** Where it is killed, and which version is in force right after: within each step, and with SOAK on both sides of each call. */
const POINTS: [string, number][] = [
	["save:after", 0],
	["clear:after", 0],
	["find:after", 0],
	["probe:after", 0],
	["activate:before", 0],
	["activate:after", 1],
];
if (SOAK) POINTS.push(["save:before", 0], ["put:before", 0], ["put:after", 0]);
const TAKING_BACK: [string, number][] = [
	["discard:before", 0],
	["discard:after", 0],
];
if (SOAK) TAKING_BACK.push(["probe:before", 0], ["current:after", 0]);

async function killedAt(point: string, failing: boolean) {
	const dataDir = temporaryFolder();
	const root = temporaryFolder();
	const child = linesOf<Line>("config-change-child.ts", [dataDir, root, point, failing ? "failing" : ""]);
	await child.line(({ at }) => at === point);
	child.process.kill("SIGKILL");
	expect(await child.ended).toBe("SIGKILL");
	return openConfigChange({ dataDir, root, failing, at: async () => undefined });
}

/** What a reader finds: the version in force, and what is cached must be of it or not count. */
async function seen({ configs, capabilities }: Awaited<ReturnType<typeof killedAt>>) {
	const { version, models } = await configs.current();
	const cached = await capabilities.get("gpt-4");
	return { version, models, cached: cached === null || cached.version !== version ? null : cached.capability };
}

function expectWhole({ version, models, cached }: Awaited<ReturnType<typeof seen>>, expected: number): void {
	expect([version, models]).toEqual([expected, expected === 0 ? OLD : NEW]);
	if (cached !== null) expect(cached).toEqual(models[0]);
}

describe("a change of the model configuration that is killed", () => {
	afterEach(() => killAll());

	it.each(POINTS)("at %s leaves one whole version, and is finished at the next start", async (point, version) => {
		const after = await killedAt(point, false);
		try {
			expectWhole(await seen(after), version);
			const { id } = await after.change();
			await after.jobs.start();
			expect((await after.jobs.waitForEnd(id, 30_000)).status).toBe("SUCCEEDED");
			expect(await seen(after)).toEqual({ version: 1, models: NEW, cached: NEW[0] });
			expect((await after.configs.find(0))?.state).toBe("past");
			const log = await after.audit.page({ jobId: id }, { direction: "forward", limit: 5, cursor: null });
			expect(log.items.map(({ node }) => [node.success, node.details.from, node.details.to])).toEqual([[true, 0, 1]]);
		} finally {
			await after.close();
		}
	});

	it.each(TAKING_BACK)("at %s of a change that does not pass its test is taken back at the next start", async (point, version) => {
		const after = await killedAt(point, true);
		try {
			expectWhole(await seen(after), version);
			const { id } = await after.change();
			await after.jobs.start();
			const job = await after.jobs.waitForEnd(id, 30_000);
			expect(job).toMatchObject({ status: "FAILED", error: { code: "CONFIG_TEST_FAILED" } });
			expect(await seen(after)).toEqual({ version: 0, models: OLD, cached: null });
			expect((await after.configs.find(1))?.state).toBe("discarded");
			const log = await after.audit.page({ jobId: id }, { direction: "forward", limit: 5, cursor: null });
			expect(log.items.map(({ node }) => [node.success, node.errorCode])).toEqual([[false, "CONFIG_TEST_FAILED"]]);
		} finally {
			await after.close();
		}
	});
});
