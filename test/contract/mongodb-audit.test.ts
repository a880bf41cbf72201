import { afterAll, beforeAll } from "@jest/globals";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { type OpenedAudit, openTestAudit } from "../testkit/mongodb-audit.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { type AuditHarness, auditContract } from "./audit.js";

let mongodb: TestMongodb;
beforeAll(async () => {
	mongodb = await startMongodb();
});
afterAll(() => mongodb.stop());

function harness(): AuditHarness {
	const dataDir = temporaryFolder();
	const { uri } = mongodb.newDatabase();
	let opened: OpenedAudit | null = null;
	async function close(): Promise<void> {
		await opened?.close();
		opened = null;
	}
	return {
		async open(options = {}) {
			await close();
			opened = await openTestAudit({ uri, dataDir, ...options });
			return opened.audit;
		},
		close,
	};
}

auditContract("on a MongoDB of one node", harness);
