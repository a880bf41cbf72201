/**
 * A real MongoDB for one suite: a standalone, or a replica set of one or three nodes, on free ports of this machine, gone
 * with `stop`. A suite that imports this needs the service `mongodb` (scripts/test.mjs).
 *
 * @example
 * let mongodb: TestMongodb;
 * beforeAll(async () => { mongodb = await startMongodb(); });
 * afterAll(() => mongodb.stop());
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mongoose, { type mongo } from "mongoose";
import { eventually } from "./eventually.js";
import { findMongod } from "./services/mongod-program.js";
import { type ServiceProcess, startProcess } from "./services/service-process.js";

const SET = "testset";
const START_MS = 60_000;
const CACHE_GIB = 0.25;

export interface MongodbOptions {
	/** 0 is a standalone without replica set. Default 1. */
	readonly members?: 0 | 1 | 3;
	/** Processes of its own even where TEST_MONGODB_URI names a server: the suite stops them, or looks at all that they hold. Default false. */
	readonly own?: boolean;
	/** Allows failCommand and the like; then it has processes of its own. Default false. */
	readonly testCommands?: boolean;
	/** Clients must then log in; this user is made, with every right. Then it has processes of its own. */
	readonly user?: { readonly name: string; readonly password: string };
	readonly oplogMiB?: number;
	/** Of each node. Default 0.25. */
	readonly cacheGiB?: number;
	/** Of its own, for example `notablescan=1`. */
	readonly parameters?: readonly string[];
}

export interface TestNode {
	readonly port: number;
	readonly pid: number;
	/** SIGKILL. */
	kill(): Promise<void>;
	/** SIGSTOP: it keeps its connections and answers nothing. */
	freeze(): void;
	thaw(): void;
	/** Starts it again on its port and its data; resolves when it listens. */
	restart(): Promise<void>;
}

export interface TestMongodb {
	/** Without a database; with the user where there is one. */
	readonly uri: string;
	/** Empty when TEST_MONGODB_URI names the server. */
	readonly nodes: readonly TestNode[];
	/** A client of the test's own, closed by `stop`. */
	readonly client: mongo.MongoClient;
	/** The address with a database that nobody else uses. */
	newDatabase(): { readonly name: string; readonly uri: string; readonly db: mongo.Db };
	/** Index of the node that is primary now. */
	primary(): Promise<number>;
	/** The primary steps down; resolves when there is a primary again. */
	stepDown(seconds?: number): Promise<void>;
	/** Switches a fail point on every node, for example failCommand. */
	failPoint(name: string, mode: "off" | "alwaysOn" | { readonly times: number }, data?: object): Promise<void>;
	stop(): Promise<void>;
}

export async function startMongodb(options: MongodbOptions = {}): Promise<TestMongodb> {
	const { members = 1, own = false, testCommands = false, user } = options;
	const { TEST_MONGODB_URI } = process.env;
	if (TEST_MONGODB_URI && members === 1 && !own && !testCommands && !user) return connect(TEST_MONGODB_URI, [], async () => {});
	const program = await findMongod();
	const folder = mkdtempSync(join(tmpdir(), "cachewarden-mongod-"));
	const nodes = Array.from({ length: Math.max(1, members) }, (_, i) => new Node(program, join(folder, `node-${i}`), options));
	const stopNodes = async (): Promise<void> => {
		await Promise.all(nodes.map((node) => node.kill()));
		rmSync(folder, { recursive: true, force: true });
	};
	try {
		await Promise.all(nodes.map((node) => node.restart()));
		if (members > 0) await initiate(nodes);
		if (user) await addUser(nodes, members > 0, user);
		return await connect(uriOf(nodes, members > 0, user), nodes, stopNodes);
	} catch (error) {
		await stopNodes();
		throw error;
	}
}

function uriOf(nodes: readonly Node[], isSet: boolean, user?: MongodbOptions["user"]): string {
	const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`).join(",");
	const login = user ? `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@` : "";
	return `mongodb://${login}${hosts}/${isSet ? `?replicaSet=${SET}` : "?directConnection=true"}`;
}

class Node implements TestNode {
	port = 0;
	private process: ServiceProcess | null = null;

	constructor(
		private readonly program: string,
		private readonly folder: string,
		private readonly options: MongodbOptions,
	) {
		mkdirSync(folder);
		// Nodes prove to each other with it that they belong together.
		if (options.user) writeFileSync(`${folder}.key`, "cachewarden", { mode: 0o600 });
	}

	get pid(): number {
		return this.process?.pid ?? 0;
	}

	async restart(): Promise<void> {
		const { members = 1, testCommands = false, user, oplogMiB = 256, cacheGiB = CACHE_GIB, parameters = [] } = this.options;
		const set = ["diagnosticDataCollectionEnabled=false", `enableTestCommands=${testCommands ? 1 : 0}`, ...parameters];
		this.process = startProcess(this.program, [
			...["--dbpath", this.folder, "--port", String(this.port), "--bind_ip", "127.0.0.1", "--nounixsocket"],
			...["--wiredTigerCacheSizeGB", String(cacheGiB)],
			...(members > 0 ? ["--replSet", SET, "--oplogSize", String(oplogMiB)] : []),
			...(user ? (members > 0 ? ["--keyFile", `${this.folder}.key`] : ["--auth"]) : []),
			...set.flatMap((parameter) => ["--setParameter", parameter]),
		]);
		const [, port] = await this.process.printed(/"msg":"Waiting for connections","attr":\{"port":(\d+)/);
		this.port = Number(port);
	}

	async kill(): Promise<void> {
		await this.process?.stop();
	}

	freeze(): void {
		this.process?.signal("SIGSTOP");
	}

	thaw(): void {
		this.process?.signal("SIGCONT");
	}
}

/** A connection to that node alone, whatever it is in its set. */
async function withNode<T>(node: TestNode, work: (admin: mongo.Admin) => Promise<T>, login = ""): Promise<T> {
	const client = new mongoose.mongo.MongoClient(`mongodb://${login}127.0.0.1:${node.port}/?directConnection=true`);
	try {
		return await work(client.db("admin").admin());
	} finally {
		await client.close();
	}
}

async function initiate(nodes: readonly Node[]): Promise<void> {
	const [first] = nodes as [Node, ...Node[]];
	const members = nodes.map(({ port }, i) => ({ _id: i, host: `127.0.0.1:${port}` }));
	const settings = { electionTimeoutMillis: 2_000, heartbeatIntervalMillis: 500 };
	await withNode(first, async (admin) => {
		await admin.command({ replSetInitiate: { _id: SET, members, settings } });
		await eventually(
			async () => {
				if (!(await admin.command({ hello: 1 })).isWritablePrimary) throw new Error("the replica set has no primary yet");
				if (nodes.length === 1) return;
				// With keys nobody may ask for the state before there is a user; the others are then awaited by the first majority write.
				const status = await admin.command({ replSetGetStatus: 1 }).catch(() => null);
				const states: number[] = status?.members.map(({ state }: { readonly state: number }) => state) ?? [];
				if (states.some((state) => state > 2 || state === 0)) throw new Error("not every node is primary or secondary yet");
			},
			{ withinMs: START_MS, everyMs: 50 },
		);
	});
}

async function addUser(nodes: readonly Node[], isSet: boolean, { name, password }: NonNullable<MongodbOptions["user"]>): Promise<void> {
	const [first] = nodes as [Node, ...Node[]];
	await withNode(first, (admin) =>
		admin.command({ createUser: name, pwd: password, roles: ["root"], ...(isSet ? { writeConcern: { w: "majority" } } : {}) }),
	);
}

async function connect(uri: string, nodes: readonly Node[], stopNodes: () => Promise<void>): Promise<TestMongodb> {
	const client = await new mongoose.mongo.MongoClient(uri).connect();
	const login = new URL(uri.replace(/^mongodb(\+srv)?:\/\/([^/]*)/, (_, __, hosts: string) => `http://${hosts.split(",")[0]}`));
	const loginPart = login.username === "" ? "" : `${login.username}:${login.password}@`;
	const made: string[] = [];
	const hello = (): Promise<mongo.Document> => client.db("admin").command({ hello: 1 });
	const primary = async (): Promise<number> => {
		const { me, primary: named } = await hello();
		return nodes.findIndex(({ port }) => (named ?? me) === `127.0.0.1:${port}`);
	};
	return {
		uri,
		nodes,
		client,
		newDatabase() {
			const name = `test_${randomBytes(6).toString("hex")}`;
			made.push(name);
			return { name, uri: uri.replace(/^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?[^?]*/, `$1/${name}`), db: client.db(name) };
		},
		primary,
		async stepDown(seconds = 2) {
			await client.db("admin").command({ replSetStepDown: seconds, secondaryCatchUpPeriodSecs: nodes.length > 1 ? 1 : 0, force: true });
			await eventually(
				async () => {
					if (!(await hello()).isWritablePrimary) throw new Error("there is no primary again");
				},
				{ withinMs: START_MS, everyMs: 50 },
			);
		},
		async failPoint(name, mode, data) {
			const command = { configureFailPoint: name, mode, ...(data ? { data } : {}) };
			for (const node of nodes) await withNode(node, (admin) => admin.command(command), loginPart);
		},
		async stop() {
			if (nodes.length === 0) for (const name of made) await client.db(name).dropDatabase();
			for (const node of nodes) node.thaw();
			await client.close(true);
			await stopNodes();
		},
	};
}
