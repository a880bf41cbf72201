import { type Logger, pino } from "pino";
import type { Config } from "./config/config.js";

/** To standard error: lines of JSON, or for a terminal something to read. */
export function openLog({ log }: Config): Logger {
	const { stderr } = process;
	if (!stderr.isTTY) return pino({ level: log.level }, pino.destination({ fd: 2, sync: false }));
	return pino({ level: log.level, transport: { target: "pino-pretty", options: { destination: 2, ignore: "pid,hostname" } } });
}
