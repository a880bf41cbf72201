import { CachewardenError, type ErrorCode } from "../core/errors.js";

/** What fails without a name of its own fails as what was asked for. Its cause goes to the log. */
export async function failingAs<T>(code: ErrorCode, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (error instanceof CachewardenError) throw error;
		throw new CachewardenError(code, undefined, { cause: error });
	}
}
