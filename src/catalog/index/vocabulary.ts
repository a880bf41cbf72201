/** Words that many rows share, as small numbers. */
import type { Connection } from "./database.js";
import type { Location } from "./row-batch.js";

export class Types {
	readonly #ids = new Map<string, number>();
	readonly #names = new Map<number, string>();
	readonly #insert;

	constructor(db: Connection) {
		this.#insert = db.prepare("INSERT INTO types (id, name) VALUES (?, ?)");
		for (const [id, name] of db.prepare("SELECT id, name FROM types").raw().all([]) as [number, string][]) this.#add(id, name);
	}

	idOf(name: string): number {
		const known = this.#ids.get(name);
		if (known !== undefined) return known;
		const id = this.#ids.size + 1;
		this.#insert.run([id, name]);
		this.#add(id, name);
		return id;
	}

	nameOf(id: number): string {
		return this.#names.get(id) as string;
	}

	#add(id: number, name: string): void {
		this.#ids.set(name, id);
		this.#names.set(id, name);
	}
}

export class Locations {
	readonly #ids = new Map<string, number>();
	readonly #locations = new Map<number, Location>();
	readonly #insert;

	constructor(db: Connection) {
		this.#insert = db.prepare("INSERT INTO locations (id, layout, prefix, suffix) VALUES (?, ?, ?, ?)");
		const rows = db.prepare("SELECT id, layout, prefix, suffix FROM locations").raw().all([]) as [number, string, string | null, string][];
		for (const [id, layout, prefix, suffix] of rows) this.#add(id, { layout, prefix, suffix });
	}

	idOf(location: Location): number {
		const known = this.#ids.get(nameOf(location));
		if (known !== undefined) return known;
		const id = this.#ids.size + 1;
		this.#insert.run([id, location.layout, location.prefix, location.suffix]);
		this.#add(id, location);
		return id;
	}

	at(id: number): Location {
		return this.#locations.get(id) as Location;
	}

	#add(id: number, location: Location): void {
		this.#ids.set(nameOf(location), id);
		this.#locations.set(id, location);
	}
}

function nameOf({ layout, prefix, suffix }: Location): string {
	return JSON.stringify([layout, prefix, suffix]);
}
