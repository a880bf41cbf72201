import { systemClock } from "../../src/core/clock.js";
import { openEmbeddedModels } from "../../src/models/embedded/embedded-models.js";
import { openStore } from "../../src/store/store.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { capabilityCacheContract, INITIAL, modelConfigContract } from "./models.js";

/** One process holds the store, so that it is everybody. */
async function open() {
	const store = await openStore({ dataDir: temporaryFolder(), warn: () => undefined });
	return { ...(await openEmbeddedModels({ store, clock: systemClock, initial: INITIAL })), close: () => store.close() };
}

modelConfigContract("the embedded store", async () => {
	const { configs, close } = await open();
	return { here: configs, there: configs, close };
});

capabilityCacheContract("the embedded store", async () => {
	const { capabilities, close } = await open();
	return { here: capabilities, there: capabilities, close };
});
