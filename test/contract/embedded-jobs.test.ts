import { type Embedded, openEmbedded } from "../testkit/embedded.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { jobsContract } from "./jobs.js";

jobsContract("embedded", () => {
	const dataDir = temporaryFolder();
	let embedded: Embedded | null = null;
	async function close(): Promise<void> {
		await embedded?.close();
		embedded = null;
	}
	return {
		async open(options) {
			await close();
			embedded = await openEmbedded({ dataDir, ...options });
			return embedded;
		},
		close,
	};
});
