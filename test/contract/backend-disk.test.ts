import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { CacheBackend } from "../../src/backends/backend.js";
import type { Protection } from "../../src/backends/disk/descent.js";
import { openFileBackend } from "../../src/backends/file/file-backend.js";
import type { LayoutName } from "../../src/backends/layouts/layout.js";
import { openPythonBackend } from "../../src/backends/python/python-backend.js";
import type { EntryRef } from "../../src/core/entry.js";
import { PLACE, refsOf, write, writeEntry } from "../testkit/disk-refs.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { type BackendHarness, backendContract } from "./backend.js";

interface DiskHarnessOptions {
	readonly layout: LayoutName;
	readonly open: (root: string) => CacheBackend;
	/** Writes entry number `i`. */
	readonly make: (root: string, i: number) => void;
	/** Data and metadata: a crash between the two steps leaves the metadata. */
	readonly twoParts: boolean;
}

function diskHarness({ layout, open, make, twoParts }: DiskHarnessOptions): () => Promise<BackendHarness> {
	return async () => {
		const root = join(temporaryFolder(), "root");
		write(root, "README.md");
		const backend = open(root);
		const filesOf = ({ key, locator }: EntryRef): string[] =>
			[locator as string, ...(twoParts ? [`metadata/${key}_meta.json`] : [])]
				.map((path) => join(root, path))
				.filter((path) => existsSync(path));
		return {
			backend,
			async seed(count) {
				for (let i = 0; i < count; i++) make(root, i);
				return refsOf(root, layout).filter(({ key }) => key !== "README.md");
			},
			exists: async (entry) => filesOf(entry).length > 0,
			rewrite: async ({ locator }) => write(root, locator as string, "another value"),
			vanish: async (entry) => {
				for (const path of filesOf(entry)) rmSync(path);
			},
			halve: twoParts ? async ({ locator }) => rmSync(join(root, locator as string)) : null,
			breakDown: async () => renameSync(root, `${root}-away`),
			close: () => backend.close(),
		};
	};
}

const file =
	(protection?: Protection) =>
	(path: string): CacheBackend =>
		openFileBackend({ roots: [{ name: PLACE, path }], ...(protection ? { protection } : {}) });
const metadata = { layout: "metadata", make: (root: string, i: number) => void writeEntry(root, "BRK.B", i), twoParts: true } as const;
const hex = (i: number): string => i.toString(16).padStart(32, "0");

backendContract("files with metadata", diskHarness({ ...metadata, open: file() }));
backendContract("files with metadata, where folders have no descriptors", diskHarness({ ...metadata, open: file("real-path") }));
backendContract(
	"pickles",
	diskHarness({ layout: "pickle", make: (root, i) => write(root, `${hex(i)}.pkl`, `a pickle ${i}`), twoParts: false, open: file() }),
);
backendContract(
	"plain files",
	diskHarness({
		layout: "plain",
		make: (root, i) => write(root, `images/${i % 7}/number ${i}.txt`, `text ${i}`),
		twoParts: false,
		open: file(),
	}),
);
backendContract(
	"Python's byte code",
	diskHarness({
		layout: "python",
		make: (root, i) => write(root, `package-${i % 5}/__pycache__/module-${i}-.cpython-311.pyc`, Buffer.from([203, 13, 13, 10, 0, i])),
		twoParts: false,
		open: (path) => openPythonBackend({ roots: [{ name: PLACE, path }] }),
	}),
);
