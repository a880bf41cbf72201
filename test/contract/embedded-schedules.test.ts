import { type Embedded, openEmbedded } from "../testkit/embedded.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { schedulesContract } from "./schedules.js";

schedulesContract("embedded", () => {
	const dataDir = temporaryFolder();
	let embedded: Embedded | null = null;
	async function close(): Promise<void> {
		await embedded?.close();
		embedded = null;
	}
	return {
		async open() {
			await close();
			embedded = await openEmbedded({ dataDir });
			return embedded.schedules;
		},
		close,
	};
});
