/** One call over the REST facade. */
export interface RestAnswer {
	readonly status: number;
	readonly headers: Headers;
	readonly body: {
		readonly success: boolean;
		readonly data: Record<string, unknown> | null;
		readonly message: string;
		readonly detail?: string;
		readonly code?: string;
		readonly timestamp: string;
	};
}

export async function callRest(
	url: string,
	path: string,
	{ token, method = "GET", headers = {} }: { token?: string; method?: string; headers?: Record<string, string> } = {},
): Promise<RestAnswer> {
	const response = await fetch(`${url}${path}`, {
		method,
		headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
	});
	return { status: response.status, headers: response.headers, body: (await response.json()) as RestAnswer["body"] };
}
