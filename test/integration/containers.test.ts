/**
 * The Dockerfile and compose.yaml, as far as they can be tried without containers: the image's last stage is put together in a folder
 * and run by its own command, and every setting in compose.yaml must be one that the program takes. With SOAK the build runs too.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { loadConfig } from "../../src/config/load.js";
import { listSettings } from "../../src/config/schema.js";
import { callCommand } from "../testkit/cli.js";
import { copyOf, stagesOf } from "../testkit/dockerfile.js";
import { eventually } from "../testkit/eventually.js";
import { temporaryFolder } from "../testkit/temporary.js";

const TOP = fileURLToPath(new URL("../../", import.meta.url));
const SOAK = process.env.SOAK === "1";
const STAGES = stagesOf(readFileSync(join(TOP, "Dockerfile"), "utf8"));
const last = STAGES.at(-1);
const SECRETS = { JWT_SECRET: "a secret of the test", AUDIT_SECRET: "another of the test" };

interface Service {
	readonly build?: string;
	readonly image?: string;
	readonly command: string | readonly string[];
	readonly environment?: Readonly<Record<string, string>>;
	readonly volumes?: readonly string[];
	readonly depends_on?: Readonly<Record<string, unknown>>;
}
const compose = parse(readFileSync(join(TOP, "compose.yaml"), "utf8"), { merge: true }) as {
	readonly services: Readonly<Record<string, Service>>;
	readonly volumes: Readonly<Record<string, unknown>>;
};

/** The image's variables, or the compose file's with its secrets filled in. */
function imageEnv(): Record<string, string> {
	const set = last?.instructions.filter(({ name }) => name === "ENV").flatMap(({ text }) => text.split(" ")) ?? [];
	return Object.fromEntries(set.map((pair) => pair.split("=") as [string, string]));
}
function filled({ environment = {} }: Service): Record<string, string> {
	return Object.fromEntries(
		Object.entries(environment).map(([name, value]) => [
			name,
			value.replace(/\$\{(\w+):\?[^}]*\}/g, (_, secret: string) => SECRETS[secret as keyof typeof SECRETS]),
		]),
	);
}

/** The last stage's folder, from another folder that stands for each earlier stage. */
function assembled(stageFolder: (name: string) => string): string {
	const folder = temporaryFolder();
	for (const instruction of last?.instructions.filter(({ name }) => name === "COPY") ?? []) {
		const { from, sources, target } = copyOf(instruction);
		for (const source of sources) {
			const path = from === null ? join(TOP, source) : join(stageFolder(from), source.replace(/^\/app\//, ""));
			const at = target.endsWith("/") ? join(folder, target, source.split("/").at(-1) as string) : join(folder, target);
			mkdirSync(dirname(at), { recursive: true });
			if (source.endsWith("node_modules")) symlinkSync(path, at);
			else cpSync(path, at, { recursive: true });
		}
	}
	return folder;
}

async function runsAsImage(folder: string): Promise<void> {
	const words = (name: string): string[] => JSON.parse(last?.instructions.find((one) => one.name === name)?.text ?? "[]") as string[];
	const [program = "", ...args] = [...words("ENTRYPOINT"), ...words("CMD")];
	const own = temporaryFolder();
	for (const path of ["cache", "state"]) mkdirSync(join(own, path));
	const env = {
		...imageEnv(),
		...SECRETS,
		PATH: process.env.PATH ?? "",
		HOST: "127.0.0.1",
		PORT: "0",
		CACHE_DIR: join(own, "cache"),
		DATA_DIR: join(own, "state"),
		LANG: "C",
	};
	const child = spawn(program === "node" ? process.execPath : program, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
	const ended = once(child, "exit");
	let printed = "";
	for (const stream of [child.stdout, child.stderr])
		stream.setEncoding("utf8").on("data", (text: string) => {
			printed += text;
		});
	try {
		const [url = ""] = await eventually(() => /http:\/\/127\.0\.0\.1:\d+/.exec(printed) ?? Promise.reject(new Error(printed)), {
			withinMs: 60_000,
		});
		for (const path of ["/healthz", "/playground", "/playground/page.js", "/api/docs/json"])
			expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
	} finally {
		child.kill("SIGTERM");
		await ended;
	}
}

describe("the image", () => {
	it("runs by its own command from just what its last stage holds", async () => {
		await runsAsImage(assembled(() => TOP));
	}, 90_000);

	it("is built by scripts that are there, and listens where other containers reach it, as nobody of importance", () => {
		const { scripts } = JSON.parse(readFileSync(join(TOP, "package.json"), "utf8")) as { scripts: Record<string, string> };
		const runs = STAGES.flatMap(({ instructions }) => instructions).filter(({ name }) => name === "RUN");
		for (const { text } of runs) for (const [, script = ""] of text.matchAll(/npm run (\S+)/g)) expect(scripts).toHaveProperty(script);
		expect(last?.instructions.filter(({ name }) => name === "USER").map(({ text }) => text)).toEqual(["node"]);
		const config = loadConfig({ env: { ...imageEnv(), ...SECRETS }, cwd: TOP });
		expect([config.host, config.port, config.dataDir]).toEqual(["0.0.0.0", 4000, "/data/state"]);
		const ignored = readFileSync(join(TOP, ".dockerignore"), "utf8").split("\n");
		for (const stage of STAGES)
			for (const instruction of stage.instructions.filter(({ name }) => name === "COPY")) {
				const { from, sources } = copyOf(instruction);
				for (const source of from === null ? sources : []) {
					expect(ignored).not.toContain(source);
					expect(existsSync(join(TOP, source))).toBe(true);
				}
			}
	});

	if (SOAK)
		it("is built from a clean copy by its own commands", async () => {
			const folders = new Map<string, string>();
			for (const { name, instructions } of STAGES.slice(0, -1)) {
				const folder = temporaryFolder();
				folders.set(name as string, folder);
				for (const instruction of instructions) {
					if (instruction.name === "RUN") execFileSync("/bin/sh", ["-ec", instruction.text], { cwd: folder, stdio: "pipe" });
					if (instruction.name !== "COPY") continue;
					const { sources } = copyOf(instruction);
					const names = sources.includes(".")
						? execFileSync("git", ["ls-files"], { cwd: TOP, encoding: "utf8" }).trim().split("\n")
						: sources;
					for (const path of names.filter((one) => !/^(test|bench)\//.test(one)))
						cpSync(join(TOP, path), join(folder, path), { recursive: true });
				}
			}
			await runsAsImage(assembled((name) => folders.get(name) as string));
		}, 1_800_000);
});

describe("compose.yaml", () => {
	const services = Object.entries(compose.services);
	const ours = services.filter(([, { build }]) => build !== undefined);

	it("starts the program by commands that it has, with settings that it takes", async () => {
		expect(ours.map(([name]) => name)).toEqual(["server", "worker"]);
		const known = new Set(listSettings().flatMap(({ facts }) => (facts.env === undefined ? [] : [facts.env])));
		const { out: help } = await callCommand(["--help"]);
		for (const [, service] of ours) {
			expect(Object.keys(service.environment ?? {}).filter((name) => !known.has(name))).toEqual([]);
			expect(help).toMatch(new RegExp(`^ {2}${service.command}\\b`, "m"));
			const config = loadConfig({ env: { ...imageEnv(), ...filled(service) }, cwd: TOP });
			expect([config.redis.address !== null, config.mongodb.uri !== null, config.audit.secret]).toEqual([true, true, SECRETS.AUDIT_SECRET]);
			for (const value of Object.values(filled(service))) {
				const [, host] = /^\w+:\/\/([\w.-]+):\d+/.exec(value) ?? [];
				if (host !== undefined) expect(compose.services).toHaveProperty(host);
			}
		}
	});

	it("names volumes and services that are there, images by version, and a queue that never evicts", () => {
		for (const [, { volumes = [], depends_on = {}, image }] of services) {
			for (const volume of volumes) expect(compose.volumes).toHaveProperty(volume.split(":")[0] as string);
			for (const name of Object.keys(depends_on)) expect(compose.services).toHaveProperty(name);
			if (image !== undefined) expect(image).toMatch(/:\d+\.\d+/);
		}
		expect(compose.services.queue?.command).toContain("noeviction");
		expect(compose.services.mongodb?.command).toContain("--replSet");
		const { worker } = compose.services;
		expect(worker?.volumes?.some((volume) => volume.includes("/data/state"))).toBe(false);
	});
});
