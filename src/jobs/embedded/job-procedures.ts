/** What the job engine does inside the store's threads. */
import type { StoreModule } from "../../store/procedures.js";
import { jobReads } from "./job-reads.js";
import { jobMigrations } from "./job-schema.js";
import { jobWrites } from "./job-writes.js";

export const storeModule: StoreModule<null, ReturnType<typeof jobWrites>, ReturnType<typeof jobReads>> = {
	migrations: jobMigrations,
	writes: jobWrites,
	reads: jobReads,
};
