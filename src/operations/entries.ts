import { digestFromEntryId } from "../core/entry-id.js";
import type { Dependencies } from "./dependencies.js";
import { failingAs } from "./failing.js";
import { badInput, detailsOf, pageOf } from "./input.js";
import type { Operations } from "./operations.js";
import { permit } from "./permission.js";

const MAX_PAGE = 200;
const DEFAULT_PAGE = 20;
const MAX_PREVIEW_BYTES = 65_536;

export function entryOperations(deps: Dependencies): Pick<Operations, "cacheDetails" | "cacheDetailsPage" | "cacheEntry" | "entryPreview"> {
	const { catalog, backends, clock } = deps;
	return {
		async cacheDetails(call, input) {
			permit(call, "cacheDetails");
			const { selection, order } = detailsOf(input, clock.now());
			const request = pageOf(input, MAX_PAGE, DEFAULT_PAGE);
			const page = await failingAs("CACHE_DETAILS_FAILED", () => catalog.page(selection, order, request));
			let counted: ReturnType<typeof catalog.count> | undefined;
			return {
				...page,
				count() {
					counted ??= failingAs("CACHE_DETAILS_FAILED", () => catalog.count(selection));
					return counted;
				},
			};
		},

		async cacheDetailsPage(call, page, pageSize) {
			permit(call, "cacheDetails");
			const { limit } = pageOf({ first: pageSize }, MAX_PAGE, DEFAULT_PAGE);
			if (!Number.isInteger(page) || page < 1)
				throw badInput({ key: "error.outOfRange", facts: { name: "page", range: ">= 1", value: page } });
			return failingAs("CACHE_DETAILS_FAILED", () => catalog.slice((page - 1) * limit, limit));
		},

		async cacheEntry(call, id) {
			permit(call, "cacheEntry");
			if (digestFromEntryId(id) === null) return null;
			const [entry] = await catalog.entries([id]);
			return entry ?? null;
		},

		async entryPreview(call, id, maxBytes) {
			permit(call, "entryPreview");
			if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > MAX_PREVIEW_BYTES) {
				throw badInput({ key: "error.outOfRange", facts: { name: "maxBytes", range: `1–${MAX_PREVIEW_BYTES}`, value: maxBytes } });
			}
			const [ref] = await catalog.refs([id]);
			return ref ? ((await backends.get(ref.backend)?.preview(ref, maxBytes)) ?? null) : null;
		},
	};
}
