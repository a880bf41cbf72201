import { MultiBar, type SingleBar } from "cli-progress";
import type { BackendKind, ProgressFieldsFragment } from "../client/generated/graphql.js";
import { formatBytes, formatCount } from "./format.js";
import type { Terminal } from "./terminal.js";

export interface ProgressBars {
	show(state: ProgressFieldsFragment): void;
	/** Leaves the last state on the screen. */
	stop(): void;
}

/** One bar for each layer that the job works on, on standard error; nothing where that is no terminal. */
export function drawProgress(terminal: Terminal): ProgressBars {
	if (!terminal.animated) return { show() {}, stop() {} };
	const { t, err } = terminal;
	const bars = new Map<BackendKind, SingleBar>();
	const multi = new MultiBar({
		stream: err as NodeJS.WriteStream,
		format: "{layer} {bar} {percent} {done}/{all}  {freed}",
		barCompleteChar: "█",
		barIncompleteChar: "░",
		barsize: 30,
		hideCursor: true,
		clearOnComplete: false,
		stopOnComplete: false,
		// Ctrl-C is the command's business: it cancels the job and reports.
		gracefulExit: false,
		emptyOnZero: true,
		fps: 10,
	});
	const width = Math.max(...(["FILE", "REDIS", "MONGODB", "PYTHON"] as const).map((kind) => t(`cli.layer.${kind}`).length));

	return {
		show({ byBackend }) {
			for (const layer of byBackend) {
				const total = layer.total ?? 0;
				const shown = {
					layer: t(`cli.layer.${layer.backend}`).padEnd(width),
					percent: `${layer.total === null || layer.total === undefined ? "  …" : String(total === 0 ? 100 : Math.floor((100 * layer.processed) / total)).padStart(3)} %`,
					done: formatCount(layer.processed),
					all: layer.total === null || layer.total === undefined ? "…" : formatCount(total),
					freed: formatBytes(layer.freedBytes),
				};
				let bar = bars.get(layer.backend);
				if (bar === undefined) {
					bar = multi.create(total, layer.processed, shown);
					bars.set(layer.backend, bar);
				}
				bar.setTotal(total);
				bar.update(layer.processed, shown);
			}
		},
		stop() {
			multi.stop();
		},
	};
}
