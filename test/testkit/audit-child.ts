/**
 * The audit log on MongoDB in a process of its own, to be killed or to fill its disk. Records operations one after another and
 * says `{"recorded", "startedAt"}` for each, until one is refused: `{"refused"}`; then ends.
 *
 * Arguments: address, data folder, bytes of an operation's details, bytes of the disk that are kept for ends.
 */
import { randomBytes } from "node:crypto";
import { intentOf, outcomeOf } from "./calls.js";
import { openTestAudit } from "./mongodb-audit.js";
import { say } from "./say.js";

const [uri = "", dataDir = "", bytes = "0", reserve = "0"] = process.argv.slice(2);

const { audit } = await openTestAudit({ uri, dataDir, reserveBytes: Number(reserve) });
say({ opened: true });
try {
	for (let i = 0; ; i++) {
		const filler = Array.from({ length: Math.ceil(Number(bytes) / 1000) }, () => randomBytes(500).toString("hex"));
		const intent = intentOf("child", { details: { i, filler } });
		const ticket = await audit.begin(intent);
		await audit.end(ticket, outcomeOf());
		say({ recorded: ticket, startedAt: intent.startedAt });
	}
} catch (error) {
	say({ refused: (error as { code?: string }).code ?? String(error) });
	process.exit(0);
}
