/** What was opened, closed in the opposite order. */
export class Opened {
	private readonly closers: (() => Promise<void>)[] = [];

	add(close: () => Promise<void>): void {
		this.closers.push(close);
	}

	/** Every part is closed, also when one before it could not be; the first failure is thrown then. */
	async close(): Promise<void> {
		const failures: unknown[] = [];
		for (const close of this.closers.splice(0).reverse()) {
			try {
				await close();
			} catch (error) {
				failures.push(error);
			}
		}
		if (failures.length > 0) throw failures[0];
	}
}
