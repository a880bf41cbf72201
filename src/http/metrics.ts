import { LRUCache } from "lru-cache";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { LayerStats } from "../catalog/port.js";
import { hasEnded, type Job } from "../core/job.js";
import type { LiveSource } from "../live/port.js";
import type { HttpDeps } from "./deps.js";

const JOBS_FOLLOWED = 1_000;

export interface Metrics {
	/** `operation` is a name of ours, never a caller's text, so that the number of series stays small. */
	request(operation: string, status: number | string, seconds: number): void;
	readonly sockets: Gauge;
	readonly subscribers: Gauge<"operation">;
	text(): Promise<{ readonly contentType: string; readonly text: string }>;
	close(): void;
}

/** Of the change stream, which is one for all subscribers. */
function gaugesOf(source: LiveSource, registers: Registry[]): void {
	new Gauge({
		name: "cachewarden_change_stream_lag_seconds",
		help: "Between a change in MongoDB and its arrival here",
		registers,
		collect() {
			const { lagMs } = source.state();
			if (lagMs !== null) this.set(lagMs / 1000);
		},
	});
	new Gauge({
		name: "cachewarden_change_stream_restarts",
		help: "How often the change stream was opened again",
		registers,
		collect() {
			this.set(source.state().restarts);
		},
	});
	new Gauge({
		name: "cachewarden_change_stream_open",
		help: "1 while events come by a change stream, 0 while they are polled for or nothing comes",
		registers,
		collect() {
			this.set(source.state().kind === "stream" ? 1 : 0);
		},
	});
}

/** Prometheus' view of the server. */
export function openMetrics({
	catalog,
	jobs,
	clock,
	liveSource = null,
}: Pick<HttpDeps, "catalog" | "jobs" | "clock" | "liveSource">): Metrics {
	const registry = new Registry();
	const registers = [registry];
	collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 10 });
	const requests = new Histogram({
		name: "cachewarden_request_duration_seconds",
		help: "Requests and socket operations by operation and status",
		labelNames: ["operation", "status"],
		buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
		registers,
	});
	const sockets = new Gauge({ name: "cachewarden_sockets", help: "Open WebSocket connections", registers });
	const subscribers = new Gauge({
		name: "cachewarden_subscribers",
		help: "Live subscribers by subscription",
		labelNames: ["operation"],
		registers,
	});
	const jobsEnded = new Counter({
		name: "cachewarden_jobs_total",
		help: "Ended jobs by kind and status",
		labelNames: ["kind", "status"],
		registers,
	});
	const layerLabels = ["kind", "backend"] as const;
	const counter = (name: string, help: string) => new Counter({ name, help, labelNames: layerLabels, registers });
	const removed = {
		deletedEntries: counter("cachewarden_deleted_entries_total", "Entries removed by jobs, by kind of job and layer"),
		freedBytes: counter("cachewarden_freed_bytes_total", "Bytes freed by jobs, by kind of job and layer"),
		failedEntries: counter("cachewarden_failed_entries_total", "Entries that jobs could not remove, by kind of job and layer"),
		skippedEntries: counter("cachewarden_skipped_entries_total", "Entries that jobs left alone, by kind of job and layer"),
	} as const;

	function gauge(name: string, help: string, value: (layer: LayerStats) => number | null): void {
		new Gauge({
			name,
			help,
			labelNames: ["backend"],
			registers,
			collect() {
				for (const layer of catalog.stats(null).layers) {
					const now = value(layer);
					if (now !== null) this.set({ backend: layer.backend }, now);
				}
			},
		});
	}
	gauge("cachewarden_catalog_entries", "Entries in the catalog by layer", (layer) => layer.entries);
	gauge("cachewarden_catalog_bytes", "Bytes in the catalog by layer", (layer) => layer.bytes);
	gauge("cachewarden_catalog_age_seconds", "Seconds since the catalog was last known to be true, by layer", ({ asOf }) =>
		asOf === 0 ? null : Math.max(0, (clock.now() - asOf) / 1000),
	);
	gauge("cachewarden_backend_hits", "Hits of the layer's whole server since it started", ({ hits }) => hits);
	gauge("cachewarden_backend_misses", "Misses of the layer's whole server since it started", ({ misses }) => misses);
	gauge("cachewarden_backend_available", "1 when the layer could be read", ({ available }) => (available ? 1 : 0));

	if (liveSource !== null) gaugesOf(liveSource, registers);

	// Only what was seen to happen here is counted: a job that another process began starts with what it had.
	const seen = new LRUCache<string, Job>({ max: JOBS_FOLLOWED });
	const stop = jobs.onChange((job) => {
		const before = seen.get(job.id);
		seen.set(job.id, job);
		if (hasEnded(job.status)) jobsEnded.inc({ kind: job.kind, status: job.status });
		for (const layer of before ? job.progress.layers : []) {
			const earlier = before?.progress.layers.find(({ backend }) => backend === layer.backend);
			for (const name of Object.keys(removed) as (keyof typeof removed)[])
				removed[name].inc({ kind: job.kind, backend: layer.backend }, Math.max(0, layer[name] - (earlier?.[name] ?? 0)));
		}
	});

	return {
		request: (operation, status, seconds) => requests.observe({ operation, status: String(status) }, seconds),
		sockets,
		subscribers,
		text: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
		close() {
			stop();
			registry.clear();
		},
	};
}
