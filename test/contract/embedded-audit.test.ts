import { openEmbeddedAudit } from "../../src/audit/embedded/embedded-audit.js";
import { systemClock } from "../../src/core/clock.js";
import { openStore, type Store } from "../../src/store/store.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { type AuditHarness, auditContract } from "./audit.js";

function harness(): AuditHarness {
	const dataDir = temporaryFolder();
	let store: Store | null = null;
	async function close(): Promise<void> {
		await store?.close();
		store = null;
	}
	return {
		async open({ clock = systemClock, keepDays = 36_500, ownedTickets = [] } = {}) {
			await close();
			store = await openStore({ dataDir, warn: (message) => expect(message).toBe("nothing to warn of") });
			const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
			return openEmbeddedAudit({ store, secret: "the secret of a test", keepDays, ownedTickets, clock, log });
		},
		close,
	};
}

auditContract("embedded", harness);
