/** Where a MongoDB server is, and which of its collections belong to the cache. */

export interface MongodbCollection {
	/** Its name in the database, and its place. */
	readonly name: string;
	/** Null: each document tells, by `metadata.data_type`. */
	readonly type: string | null;
}

/** `mongodb[+srv]://[user[:password]@]host[:port][,host…][/database][?options]`, whose parts hold no character that would have to be encoded. */
const URI =
	/^mongodb(?:\+srv)?:\/\/(?:[^@/?#]+@)?([^@/?#,:\s[\]]+(?::\d{1,5})?|\[[0-9a-fA-F:.]+\](?::\d{1,5})?)((?:,(?:[^@/?#,:\s[\]]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?)*)(?:\/([^/?#@]*))?(?:\/?\?([^#\s]*))?$/;
/** In a database's name, on every platform. */
const DATABASE = /^[^/\\. "$*<>:|?\0]{1,63}$/;

export interface MongodbUri {
	/** With their ports, as they were given. */
	readonly hosts: string;
	/** Null when the address names none, or one of the server's own, where users are kept. */
	readonly database: string | null;
}

/** Null when it is not the address of a MongoDB. */
export function parseMongodbUri(text: string): MongodbUri | null {
	const match = URI.exec(text);
	if (!match) return null;
	try {
		const database = decodeURIComponent(match[3] ?? "");
		return { hosts: `${match[1]}${match[2]}`, database: isDatabaseName(database) ? database : null };
	} catch {
		// A percent sign that begins no escape.
		return null;
	}
}

export function isDatabaseName(name: string): boolean {
	return DATABASE.test(name) && !["admin", "config", "local"].includes(name);
}

/** A collection that other programs may write: not one of the server's own. */
export function isCollectionName(name: string): boolean {
	return /^[^$\0]{1,120}$/.test(name) && !name.startsWith("system.") && !name.startsWith(".") && !name.endsWith(".");
}

/** Host and database as people know them; never a password. */
export function mongodbLocation({ uri, database }: { readonly uri: string; readonly database: string }): string {
	const scheme = uri.startsWith("mongodb+srv") ? "mongodb+srv" : "mongodb";
	return `${scheme}://${parseMongodbUri(uri)?.hosts ?? "?"}/${database}`;
}

/** The address as it may be shown. */
export function withoutSecrets(uri: string): string {
	return uri.replace(/\/\/[^@/]*@/, "//***@").replace(/([?&][^=&]*password=)[^&]*/gi, "$1***");
}
