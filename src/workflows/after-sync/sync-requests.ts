import type { Dependencies } from "../../operations/dependencies.js";
import { badInput, checked } from "../../operations/input.js";
import type { WorkflowOperations } from "../../operations/operations.js";
import { recorded } from "../../operations/recorded.js";
import { present, submit } from "../../operations/submit.js";
import type { DataSource } from "../../sources/port.js";
import { relatedTo, syncJobInput } from "./related.js";

type Parts = Pick<Dependencies, "jobs" | "audit" | "clock"> & { readonly sources: ReadonlyMap<string, DataSource> };

export function syncRequests(parts: Parts): Pick<WorkflowOperations, "syncDataSource" | "reportDataSourceSync"> {
	const { sources } = parts;

	function refuseEmpty(input: {
		readonly types?: readonly string[] | null | undefined;
		readonly symbols?: readonly string[] | null | undefined;
	}) {
		for (const name of ["types", "symbols"] as const)
			if (input[name]?.length === 0) throw badInput({ key: "error.emptyList", facts: { name } });
	}

	return {
		syncDataSource(call, { wait, idempotencyKey, ...input }) {
			return recorded(parts, call, { name: "syncDataSource", actionType: "data_import", details: { ...input } }, async (acting, ticket) => {
				refuseEmpty(input);
				const given = checked(syncJobInput, input);
				const source = sources.get(given.source);
				const names = [...sources.keys()].join(", ") || "–";
				if (source === undefined) throw badInput({ key: "error.sync.unknown", facts: { source: given.source, names } });
				if (source.sync === null) throw badInput({ key: "error.sync.external", facts: { source: given.source } });
				const kind = "SYNC";
				return submit(parts, acting, ticket, { kind, input: present(given), idempotencyKey: idempotencyKey ?? null, wait: wait ?? false });
			});
		},

		reportDataSourceSync(call, { wait, idempotencyKey, ...input }) {
			const details = { ...input };
			return recorded(parts, call, { name: "reportDataSourceSync", actionType: "data_import", details }, async (acting, ticket) => {
				refuseEmpty(input);
				const { source, types, symbols, success, records, error } = input;
				const given = checked(syncJobInput, { source, types, symbols, report: { success, records, error } });
				relatedTo(given, sources);
				const kept = present({ ...given, report: present(given.report ?? {}) });
				return submit(parts, acting, ticket, { kind: "SYNC", input: kept, idempotencyKey: idempotencyKey ?? null, wait: wait ?? false });
			});
		},
	};
}
