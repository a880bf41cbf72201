/** Whether an error says that the file itself is damaged. */
export function isDamage(error: unknown): boolean {
	const { code } = error as { readonly code?: unknown };
	return (
		typeof code === "string" && (code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_NOTADB") || code.startsWith("SQLITE_IOERR"))
	);
}
