import { type DiskBackend, type DiskBackendOptions, openDiskBackend } from "../disk/disk-backend.js";

/** The file cache: roots in any of its layouts. What an entry's files are follows from its key and locator. */
export function openFileBackend(options: DiskBackendOptions): DiskBackend {
	return openDiskBackend("FILE", options, null);
}
