/**
 * An operation as text: a document of this package, one that code generation made elsewhere (`documentMode: string`), or a
 * plain string. A parsed document is none.
 */
export interface OperationText<Result, Variables> {
	/** Where code generation keeps the types; it is never there. */
	__apiType?: (variables: Variables) => Result;
	readonly kind?: never;
	toString(): string;
}

/**
 * A way to the GraphQL API, whichever: over the network or in the same process. Values are as JSON has them: times are
 * ISO 8601 texts.
 */
export interface Session {
	/** @throws {SessionError} also when only a part of the answer failed */
	execute<Result, Variables>(document: OperationText<Result, Variables>, variables: Variables): Promise<Result>;
	/** Ends with the subscription; `return()` ends it at once. Throws {SessionError}. */
	subscribe<Result, Variables>(document: OperationText<Result, Variables>, variables: Variables): AsyncIterableIterator<Result>;
	/** The audit log as text, in pieces; parameters as `/audit/export` takes them. Throws {SessionError}. */
	exportAudit(parameters: URLSearchParams): AsyncIterableIterator<string>;
	/** Ends what is open. May be called twice. */
	close(): Promise<void>;
}

/** `UNREACHABLE` when nobody answered, `TOKEN_EXPIRED` when a stream outlived its token; else the server's code. */
export class SessionError extends Error {
	readonly code: string;

	constructor(code: string, message: string, options?: ErrorOptions) {
		super(message, options);
		this.name = "SessionError";
		this.code = code;
	}
}

/** The parts of an execution result that matter to a caller, as every GraphQL implementation has them. */
export interface AnyResult {
	readonly data?: unknown;
	readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: unknown } | undefined }[] | undefined;
}

/** The data of a result, or the first of its errors thrown. */
export function dataOf<Result>(result: AnyResult): Result {
	const error = result.errors?.[0];
	if (error) throw new SessionError(typeof error.extensions?.code === "string" ? error.extensions.code : "INTERNAL", error.message);
	return result.data as Result;
}
