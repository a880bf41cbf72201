/** What the audit log does inside the store's threads. */
import type { StoreModule } from "../../store/procedures.js";
import { auditReads } from "./reading.js";
import { auditMigrations } from "./schema.js";
import { type AuditOptions, auditWrites } from "./writing.js";

export const storeModule: StoreModule<AuditOptions, ReturnType<typeof auditWrites>, ReturnType<typeof auditReads>> = {
	migrations: auditMigrations,
	writes: auditWrites,
	reads: auditReads,
};
