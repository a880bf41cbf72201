/** A thread whose loop does nothing but take in what the system reports: the less it does, the less is lost. */
import { parentPort, workerData } from "node:worker_threads";
import type { ToWatchWorker, WatchWorkerOptions } from "./watch/protocol.js";
import { Watcher } from "./watch/watcher.js";

const port = parentPort;
if (!port) throw new Error("watch-worker runs as a worker thread");

const watcher = new Watcher(workerData as WatchWorkerOptions, (message) => port.postMessage(message));
port.on("message", (message: ToWatchWorker) => watcher.onMessage(message));
watcher.start();
