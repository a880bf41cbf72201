/** What this program puts into a root beside the cache. It is never an entry of any layout. */

/** Of files on their way into place, and of the folder below. */
export const OWN_PREFIX = ".cachewarden-";
/** Entries that a cleanup took out of the cache and that can be brought back. */
export const QUARANTINE_FOLDER = `${OWN_PREFIX}quarantine`;

export function isOwnName(name: string): boolean {
	return name.startsWith(OWN_PREFIX);
}

/** Of a path relative to its root, with `/`: whether it leads into what is this program's own. */
export function isOwnPath(path: string): boolean {
	return path.includes(OWN_PREFIX) && path.split("/").some(isOwnName);
}
