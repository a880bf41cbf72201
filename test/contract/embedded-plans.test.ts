import { openEmbeddedPlans } from "../../src/plans/embedded.js";
import { openStore, type Store } from "../../src/store/store.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { plansContract } from "./plans.js";

plansContract("embedded", () => {
	const dataDir = temporaryFolder();
	let store: Store | null = null;
	async function close(): Promise<void> {
		await store?.close();
		store = null;
	}
	return {
		async open(clock) {
			await close();
			store = await openStore({ dataDir, warn: () => undefined });
			return openEmbeddedPlans({ store, clock });
		},
		close,
	};
});
