/**
 * Where a worker thread's compiled module lies. Sources that run without being compiled (tests, development) take it from
 * the build, since a worker thread is loaded by Node itself.
 */
export function workerUrl(importerUrl: string, relative: string): URL {
	const url = new URL(relative, importerUrl);
	if (importerUrl.endsWith(".ts")) url.pathname = url.pathname.replace(/\/src\/(?!.*\/src\/)/, "/dist/");
	return url;
}
