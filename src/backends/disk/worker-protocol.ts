import type { Failure } from "../../core/errors.js";
import type { EntryPreview } from "../backend.js";
import type { Protection } from "./descent.js";
import type { HeldLine, HeldListName } from "./quarantine-folder.js";
import type { RemovalTask, TaskOutcome } from "./remove-entry.js";
import type { RestoreTask, RestoreTaskOutcome } from "./restore-entry.js";
import type { RootSurvey } from "./survey-root.js";
import type { WriteTask } from "./write-entry.js";

/** What a worker is asked to do. `root` is a path as `resolveRoot` gave it. */
export type WorkerRequest = { readonly root: string; readonly protection: Protection } & (
	| {
			readonly kind: "remove";
			readonly tasks: readonly RemovalTask[];
			/** The tasks belong to a batch that a crash cut short. */
			readonly resumed: boolean;
			/** Name of folders that are removed too once they are empty, or null. */
			readonly emptiedFolder: string | null;
			/** One 32-bit number on shared memory; anything but 0 stops the worker before the next entry; of a resumed batch it then only finishes what is half. */
			readonly stop: SharedArrayBuffer;
	  }
	| { readonly kind: "preview"; readonly locator: string; readonly maxBytes: number }
	| { readonly kind: "write"; readonly task: WriteTask }
	/** Null: its times only. */
	| { readonly kind: "read"; readonly path: string; readonly maxBytes: number | null }
	| { readonly kind: "probe" }
	/** Like `remove`, into the quarantine of the job. */
	| {
			readonly kind: "hold";
			readonly job: string;
			readonly tasks: readonly (RemovalTask & { readonly type: string })[];
			readonly resumed: boolean;
			readonly stop: SharedArrayBuffer;
	  }
	| { readonly kind: "settle"; readonly job: string }
	| { readonly kind: "lists" }
	/** What is there of a list. */
	| { readonly kind: "held"; readonly job: string; readonly list: string }
	/** `list` is counted anew afterwards. */
	| {
			readonly kind: "restore";
			readonly job: string;
			readonly list: string | null;
			readonly tasks: readonly RestoreTask[];
			readonly resumed: boolean;
			readonly stop: SharedArrayBuffer;
	  }
	| { readonly kind: "discard"; readonly job: string }
	| { readonly kind: "survey" }
	/** Files that were on their way into place longer ago than this. */
	| { readonly kind: "sweep"; readonly olderThanMs: number }
);

export type WorkerReply =
	/** For the first of the tasks, in order; the rest was not reached. */
	| { readonly kind: "removed"; readonly outcomes: readonly TaskOutcome[] }
	| { readonly kind: "previewed"; readonly preview: EntryPreview | null }
	/** False: what lay there was not what was expected, and still lies there. */
	| { readonly kind: "written"; readonly written: boolean }
	/** Null when there is no such file. */
	| { readonly kind: "read"; readonly file: { readonly bytes: Uint8Array; readonly mtimeMs: number } | null }
	| { readonly kind: "probed" }
	| { readonly kind: "settled" }
	| { readonly kind: "lists"; readonly lists: readonly HeldListName[] }
	| { readonly kind: "held"; readonly lines: readonly HeldLine[] }
	/** For the first of the tasks, in order. */
	| { readonly kind: "restored"; readonly outcomes: readonly RestoreTaskOutcome[] }
	| { readonly kind: "discarded"; readonly entries: number; readonly bytes: number }
	| { readonly kind: "surveyed"; readonly survey: RootSurvey }
	| { readonly kind: "swept"; readonly files: number }
	| { readonly kind: "failed"; readonly failure: Failure };
