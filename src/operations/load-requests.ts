import { digestFromEntryId } from "../core/entry-id.js";
import type { Dependencies } from "./dependencies.js";
import { badInput, checked, refreshInput, selectionOf, warmUpInput } from "./input.js";
import type { Operations } from "./operations.js";
import { recorded } from "./recorded.js";
import { present, submit } from "./submit.js";

const MAX_ID_SHOWN = 80;

export function loadRequests(deps: Dependencies): Pick<Operations, "refresh" | "warmUp"> {
	const { loaders, writers } = deps;

	function requireLoaders(): void {
		if (loaders.size === 0) throw badInput({ key: "error.noLoaders", facts: {} });
	}

	return {
		refresh(call, input) {
			return recorded(deps, call, { name: "refresh", actionType: "cache_operation", details: { ...input } }, async (acting, ticket) => {
				const strange = (input.ids ?? []).find((id) => digestFromEntryId(id) === null);
				if (strange !== undefined) throw badInput({ key: "error.badId", facts: { id: strange.slice(0, MAX_ID_SHOWN) } });
				if (input.ids?.length === 0) throw badInput({ key: "error.emptyList", facts: { name: "ids" } });
				const { wait, idempotencyKey = null, ...given } = checked(refreshInput, input);
				selectionOf(given, true);
				requireLoaders();
				const kept = present({ ...given, ...(given.expiredOnly ? {} : { expiredOnly: null }) });
				return submit(deps, acting, ticket, { kind: "REFRESH", input: kept, idempotencyKey, wait: wait ?? false });
			});
		},

		warmUp(call, input) {
			return recorded(deps, call, { name: "warmUp", actionType: "cache_operation", details: { ...input } }, async (acting, ticket) => {
				if (input.symbols.length === 0) throw badInput({ key: "error.emptyList", facts: { name: "symbols" } });
				const { wait, idempotencyKey = null, ...given } = checked(warmUpInput, input);
				requireLoaders();
				const names = [...loaders.keys()].join(", ");
				const loader = loaders.get(given.loader);
				if (loader === undefined) throw badInput({ key: "error.unknownLoader", facts: { name: given.loader, names } });
				if (given.target && !writers.has(given.target))
					throw badInput({ key: "error.noWriter", facts: { backend: given.target, type: loader.types.join(", ") } });
				const kept = present({ ...given, symbols: [...new Set(given.symbols)] });
				return submit(deps, acting, ticket, { kind: "WARM_UP", input: kept, idempotencyKey, wait: wait ?? false });
			});
		},
	};
}
