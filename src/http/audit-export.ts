import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { AuditFilter } from "../audit/port.js";
import { CachewardenError } from "../core/errors.js";
import { EXPORT_FORMATS, type ExportFormat } from "../operations/audit-export.js";
import { callFrom } from "./caller.js";
import type { HttpDeps } from "./deps.js";
import type { Gate } from "./gate.js";

const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
	csv: "text/csv; charset=utf-8",
	jsonl: "application/x-ndjson; charset=utf-8",
};
const KNOWN = new Set(["format", "userId", "actionTypes", "success", "since", "until", "keyword", "jobId", "foreign"]);

export interface ExportRequest {
	readonly format: ExportFormat;
	readonly filter: AuditFilter;
}

/** `format` (csv by default) and the filters of the audit log, `actionTypes` separated by commas. BAD_USER_INPUT names what is none. */
export function exportRequestOf(parameters: URLSearchParams): ExportRequest {
	for (const name of parameters.keys())
		if (!KNOWN.has(name) || parameters.getAll(name).length > 1) throw refused(name, [...KNOWN].join(", "), parameters.get(name) ?? "");
	const format = parameters.get("format") ?? "csv";
	if (!EXPORT_FORMATS.includes(format as ExportFormat)) throw refused("format", EXPORT_FORMATS.join(", "), format);
	const text = (name: string) => {
		const value = parameters.get(name);
		return value === null ? {} : { [name]: value };
	};
	return {
		format: format as ExportFormat,
		filter: {
			...text("userId"),
			...text("keyword"),
			...text("jobId"),
			...(parameters.has("actionTypes") ? { actionTypes: (parameters.get("actionTypes") ?? "").split(",") } : {}),
			...choice(parameters, "success"),
			...choice(parameters, "foreign"),
			...time(parameters, "since"),
			...time(parameters, "until"),
		},
	};
}

function choice(parameters: URLSearchParams, name: string) {
	const value = parameters.get(name);
	if (value === null) return {};
	if (value !== "true" && value !== "false") throw refused(name, "true, false", value);
	return { [name]: value === "true" };
}

function time(parameters: URLSearchParams, name: string) {
	const value = parameters.get(name);
	if (value === null) return {};
	const at = /^\d{4}-\d{2}-\d{2}(T.+)?$/.test(value) ? Date.parse(value) : Number.NaN;
	if (Number.isNaN(at)) throw refused(name, "ISO 8601", value);
	return { [name]: at };
}

function refused(name: string, range: string, value: string): CachewardenError {
	return new CachewardenError("BAD_USER_INPUT", { key: "error.outOfRange", facts: { name, range, value } });
}

/** The audit log as a file. Streamed: the next piece is read when the client has taken the one before. */
export async function serveAuditExport(app: FastifyInstance, { operations }: Pick<HttpDeps, "operations">, gate: Gate): Promise<void> {
	await app.register(async (scope) => {
		scope.addHook("onRequest", (request) => gate.admit(request));
		scope.get("/audit/export", async (request, reply) => {
			const call = { ...callFrom(request.raw, request.id, { ipAddress: gate.addressOf(request.raw) }), actor: request.actor };
			const { format, filter } = exportRequestOf(new URL(request.url, "http://localhost").searchParams);
			const pieces = await operations.exportAudit(call, filter, format);
			// What cannot be read at all is an answer of its own, not a file that breaks off.
			const first = await pieces.next();
			return reply
				.type(MEDIA_TYPES[format])
				.header("content-disposition", `attachment; filename="audit-log.${format}"`)
				.send(Readable.from(beginningWith(first, pieces)));
		});
	});
}

async function* beginningWith(first: IteratorResult<string>, rest: AsyncIterableIterator<string>): AsyncGenerator<string> {
	if (first.done) return;
	yield first.value;
	yield* rest;
}
