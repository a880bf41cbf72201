/**
 * Opens the store of a folder and holds it until it is killed: says `{"held": true}`, or `{"code"}` of what refused it.
 * With a number as second argument it records audit operations of that many bytes until one is refused, then frees the file
 * named third and records one more; says `{"recorded"}`, `{"refused"}`, `{"afterwards"}`.
 */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { intentOf, outcomeOf } from "./calls.js";
import { openEmbedded } from "./embedded.js";
import { say } from "./say.js";

const [dataDir = "", bytes, ballast = "", reserve = "0"] = process.argv.slice(2);

async function fillUp(bytesEach: number): Promise<void> {
	const { audit, jobs } = await openEmbedded({ dataDir, reserveBytes: Number(reserve) });
	let recorded = 0;
	async function operation(): Promise<void> {
		const details = { filler: Array.from({ length: bytesEach / 1000 }, () => randomBytes(500).toString("hex")) };
		await audit.end(await audit.begin(intentOf("alice", { details })), outcomeOf());
		recorded++;
	}
	try {
		for (;;) await operation();
	} catch (error) {
		say({ recorded, refused: (error as { code?: string }).code ?? String(error) });
	}
	const begun = await audit.begin(intentOf("alice")).then(
		() => "begun",
		(error: { code?: string }) => error.code ?? String(error),
	);
	say({ beginning: begun });
	if (ballast !== "") {
		rmSync(ballast);
		await operation();
		const { checked, problems } = await audit.verify({ since: null, until: null });
		say({ afterwards: recorded, checked, problems: problems.length, jobs: (await jobs.counts("alice")).queued });
	}
}

try {
	if (bytes === undefined) {
		await openEmbedded({ dataDir });
		say({ held: true });
		setInterval(() => undefined, 1 << 30);
	} else {
		await fillUp(Number(bytes));
		process.exit(0);
	}
} catch (error) {
	say({ code: (error as { code?: string }).code ?? String(error) });
	process.exit(3);
}
