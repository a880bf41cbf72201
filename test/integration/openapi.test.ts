/** The OpenAPI document: valid, complete, and true of what is answered. */
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { REST_ROUTES } from "../../src/http/rest/routes.js";
import { type ServerUnderTest, startServer, tokenFor } from "../testkit/http-server.js";
import { inMemoryOperations } from "../testkit/in-memory-operations.js";
import { callRest } from "../testkit/rest.js";

interface Operation {
	readonly operationId: string;
	readonly parameters: readonly { readonly name: string; readonly in: string; readonly required?: boolean; readonly schema: object }[];
	readonly responses: Readonly<Record<string, { readonly content: { readonly "application/json": { readonly schema: object } } }>>;
}
interface Document {
	readonly openapi: string;
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
	readonly components: object;
}

let server: ServerUnderTest;
let document: Document;
beforeAll(async () => {
	server = await startServer(inMemoryOperations());
	document = (await (await fetch(`${server.url}/api/openapi.json`)).json()) as Document;
});
afterAll(() => server.close());

describe("the OpenAPI document", () => {
	it("is valid OpenAPI 3.1", async () => {
		const validator = new Validator();
		expect(await validator.validate(structuredClone(document) as never)).toEqual({ valid: true });
		expect([validator.version, document.openapi]).toEqual(["3.1", "3.1.1"]);
		const broken = { ...document, paths: { ...document.paths, "/api/x": { get: { responses: { nonsense: {} } } } } };
		expect((await new Validator().validate(broken as never)).valid).toBe(false);
	});

	it("holds every route and nothing else", () => {
		const described = Object.entries(document.paths).flatMap(([path, methods]) =>
			Object.keys(methods).map((method) => `${method} ${path}`),
		);
		const served = REST_ROUTES.map(({ method, path }) => `${method.toLowerCase()} /api/cache${path.replace(":id", "{id}")}`);
		expect(described.sort()).toEqual(served.sort());
	});

	it("tells the limits that are checked", () => {
		const parameters = document.paths["/api/cache/details"]?.get?.parameters ?? [];
		expect(parameters.slice(0, 2)).toMatchObject([
			{ name: "page", in: "query", required: false, schema: { type: "integer", minimum: 1, default: 1 } },
			{ name: "page_size", in: "query", required: false, schema: { type: "integer", minimum: 1, maximum: 100, default: 20 } },
		]);
		expect(document.paths["/api/cache/cleanup"]?.delete?.parameters[0]).toMatchObject({
			name: "days",
			schema: { minimum: 1, maximum: 30, default: 7 },
		});
		expect(document.paths["/api/cache/jobs/{id}"]?.get?.parameters[0]).toMatchObject({ name: "id", in: "path", required: true });
	});

	it("describes what is answered, down to the last field", async () => {
		const ajv = new Ajv2020({ strict: false, allErrors: true });
		(addFormats as unknown as (target: Ajv2020) => void)(ajv);
		const token = await tokenFor("ADMIN");
		const tried: string[] = [];
		async function expectDescribed(method: string, path: string, address: string, options: Parameters<typeof callRest>[2]): Promise<void> {
			const { status, body } = await callRest(server.url, address, { method, ...options });
			const described = document.paths[path]?.[method.toLowerCase()]?.responses[String(status)]?.content["application/json"].schema;
			expect({ address, status, described: described !== undefined }).toEqual({ address, status, described: true });
			const matches = ajv.compile({ ...described, components: document.components });
			expect({ address, valid: matches(body), errors: matches.errors }).toEqual({ address, valid: true, errors: null });
			tried.push(`${status} ${method} ${path}`);
		}
		for (const { method, path, parameters } of REST_ROUTES) {
			const template = `/api/cache${path.replace(":id", "{id}")}`;
			const address = template.replace("{id}", "j5");
			await expectDescribed(method, template, address, { token });
			await expectDescribed(method, template, address, {});
			if (parameters?.in !== "query") continue;
			const [name] = Object.keys(parameters.shape.shape);
			await expectDescribed(method, template, `${address}?${name}=x`, { token });
		}
		expect(tried).toContain("202 DELETE /api/cache/clear");
		expect(tried).toContain("422 GET /api/cache/details");
		expect(tried).toContain("401 GET /api/cache/jobs/{id}");
	});
});
