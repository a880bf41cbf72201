import type { Said } from "../core/errors.js";

/** A call on its way into one of the store's threads. */
export interface CallMessage {
	readonly kind: "call";
	readonly call: number;
	readonly module: string;
	readonly name: string;
	readonly argument: unknown;
}

export interface UseMessage {
	readonly kind: "use";
	readonly call: number;
	readonly module: string;
	readonly url: string;
	readonly options: unknown;
}

export type ToThread = CallMessage | UseMessage | { readonly kind: "close"; readonly call: number };

/** An error on its way out: one of the domain's, SQLite's, or any other. */
export type ThrownMessage =
	| { readonly kind: "domain"; readonly code: string; readonly said: Said }
	| { readonly kind: "sqlite"; readonly code: string; readonly message: string }
	| { readonly kind: "other"; readonly message: string; readonly stack: string };

export type Outcome =
	| { readonly call: number; readonly ok: true; readonly value: unknown }
	| { readonly call: number; readonly ok: false; readonly thrown: ThrownMessage };

export type FromThread =
	| { readonly kind: "opened" }
	| { readonly kind: "notOpened"; readonly thrown: ThrownMessage }
	| { readonly kind: "outcomes"; readonly outcomes: readonly Outcome[] }
	| { readonly kind: "warn"; readonly message: string; readonly facts: Readonly<Record<string, unknown>> };

export interface ThreadData {
	readonly role: "write" | "read";
	readonly storeFile: string;
	readonly lockFile: string;
}
