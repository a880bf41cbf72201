import { SessionError } from "./session.js";

/** A token, or where one comes from: asked when there is none yet, and again when the server no longer takes the last one. */
export type TokenSource = string | null | (() => string | null | Promise<string | null>);

export interface TokenKeeper {
	/** The token to use now; those who ask at the same time get the same one. UNREACHABLE when none can be had at the moment. */
	current(): Promise<string | null>;
	/** The server did not take this one. False when there is no other to be had. */
	refused(token: string | null): boolean;
}

export function keepToken(source: TokenSource): TokenKeeper {
	if (typeof source !== "function") return { current: async () => source, refused: () => false };
	let asked: Promise<string | null> | null = null;
	let known: { readonly token: string | null } | null = null;

	async function ask(give: () => string | null | Promise<string | null>): Promise<string | null> {
		try {
			const token = await give();
			known = { token };
			return token;
		} catch (error) {
			asked = null;
			if (error instanceof SessionError) throw error;
			throw new SessionError("UNREACHABLE", `no token: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
		}
	}

	return {
		current() {
			asked ??= ask(source);
			return asked;
		},
		refused(token) {
			// Another request may have been refused with it before, and a newer one be on its way.
			if (known !== null && known.token === token) {
				known = null;
				asked = null;
			}
			return true;
		},
	};
}

/** The server did not take the token, or no longer takes it. */
export function isRefusal(error: unknown): boolean {
	return error instanceof SessionError && (error.code === "UNAUTHENTICATED" || error.code === "TOKEN_EXPIRED");
}
