/**
 * Every setting there is: its name, its environment variable, its default, what it must be and what it is for. The loader,
 * the doctor and the generated reference read it here.
 */
import { z } from "zod";
import { ROLES } from "../core/roles.js";
import { mongodbSection, redisSection } from "./layer-settings.js";
import { parseMongodbUri } from "./mongodb.js";
import { queueSection } from "./queue-section.js";
import {
	choice,
	expect,
	facts,
	integer,
	listFromEnv,
	numberFromEnv,
	oneOrMany,
	optional,
	path,
	rootName,
	type SettingFacts,
	section,
	setting,
	text,
	yesOrNo,
} from "./setting.js";
import { isHost, isJwksUri, isOrigin, isProxy, isPublicKey, isTimeZone } from "./values.js";
import { loadersForm, modelsForm, sourcesForm } from "./workflow-settings.js";

export const CACHE_LAYOUTS = ["auto", "metadata", "pickle", "plain"] as const;
const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;

/** The field's own times (docs: cache layouts), in hours by market and type. */
const TIMES_TO_LIVE = {
	us: { stock_data: 2, news: 6, fundamentals: 24 },
	china: { stock_data: 1, news: 4, fundamentals: 12 },
} as const;

const cacheRoot = z.union([path, z.strictObject({ path, name: rootName.optional(), layout: z.enum(CACHE_LAYOUTS).optional() })]);
const pythonRoot = z.union([path, z.strictObject({ path, name: rootName.optional() })]);
const hours = z.record(z.string(), z.number().positive());

/** The form of cachewarden.yaml. Nulls count as left out. */
export const settingsSchema = z.strictObject({
	host: setting(text.refine(isHost), {
		env: "HOST",
		default: "127.0.0.1",
		expected: expect("config.expected.host"),
		doc: {
			en: "Where to listen. Anything but loopback needs a token setting of your own.",
			zh: "监听地址。非回环地址必须自行设置令牌校验方式。",
		},
	}),
	port: integer(0, 65_535, {
		env: "PORT",
		default: 4000,
		doc: { en: "Where to listen; 0 takes a free one.", zh: "监听端口；0 表示自动选择空闲端口。" },
	}),
	cache: section({
		roots: setting(oneOrMany(cacheRoot).pipe(z.array(cacheRoot).min(1)), {
			env: "CACHE_DIR",
			fromEnv: listFromEnv,
			default: ["./data/cache"],
			expected: expect("config.expected.cacheRoots"),
			doc: {
				en: "File cache roots; several separated by commas. In YAML each may have a name and a layout of its own.",
				zh: "文件缓存根目录；多个用逗号分隔。在 YAML 中可分别指定 name 和 layout。",
			},
		}),
		layout: choice(CACHE_LAYOUTS, {
			env: "CACHE_LAYOUT",
			default: "auto",
			doc: { en: "What lies in the roots; auto looks.", zh: "根目录的布局；auto 表示自动识别。" },
		}),
		timeZone: optional(text.refine(isTimeZone), {
			env: "CACHE_TIMEZONE",
			expected: expect("config.expected.timeZone"),
			doc: { en: "Zone of times written without one; the machine's by default.", zh: "未注明时区的时间所属的时区；默认使用本机时区。" },
		}),
		maxBytes: setting(z.int().min(1).nullable(), {
			env: "CACHE_MAX_BYTES",
			fromEnv: numberFromEnv,
			default: null,
			expected: expect("config.expected.integer", { min: 1, max: Number.MAX_SAFE_INTEGER }),
			doc: { en: "Quota in bytes; none by default.", zh: "配额（字节）；默认无配额。" },
		}),
		timesToLiveHours: section({
			us: setting(hours, {
				default: TIMES_TO_LIVE.us,
				expected: expect("config.expected.hours"),
				doc: { en: "Hours until an entry of the US market expires, by type.", zh: "美股条目的有效期（小时），按类型。" },
			}),
			china: setting(hours, {
				default: TIMES_TO_LIVE.china,
				expected: expect("config.expected.hours"),
				doc: { en: "Hours until an entry of the Chinese market expires, by type.", zh: "A 股条目的有效期（小时），按类型。" },
			}),
		}),
	}),
	python: section({
		roots: setting(oneOrMany(pythonRoot), {
			env: "PYTHON_ROOTS",
			fromEnv: listFromEnv,
			default: [],
			expected: expect("config.expected.pythonRoots"),
			doc: {
				en: "Roots for Python's byte-code caches; nothing is searched by default.",
				zh: "Python 字节码缓存的根目录；默认不搜索。",
			},
		}),
		searchAll: yesOrNo({
			default: false,
			doc: { en: "Also search .git, node_modules and virtual environments.", zh: "同时搜索 .git、node_modules 和虚拟环境。" },
		}),
	}),
	redis: redisSection,
	mongodb: mongodbSection,
	dataDir: setting(path, {
		env: "DATA_DIR",
		default: "./data/cachewarden",
		expected: expect("config.expected.path"),
		doc: { en: "The program's own state.", zh: "程序自身的数据目录。" },
	}),
	catalog: section({
		reconcileEverySeconds: integer(0, 86_400, {
			default: 600,
			doc: {
				en: "How often the catalog is compared with the disk, for file systems that report no changes; 0 turns it off.",
				zh: "目录与磁盘比对的间隔（秒），用于不报告变化的文件系统；0 表示关闭。",
			},
		}),
		watch: yesOrNo({ default: true, doc: { en: "Watch the roots for changes.", zh: "监视根目录的变化。" } }),
	}),
	jobs: section({
		concurrency: integer(1, 64, { default: 2, doc: { en: "Jobs that run at once.", zh: "同时运行的任务数。" } }),
		concurrencyPerUser: integer(1, 64, { default: 3, doc: { en: "Jobs of one user that run at once.", zh: "每个用户同时运行的任务数。" } }),
		maxQueued: integer(1, 1_000_000, {
			default: 1000,
			doc: { en: "Jobs that may wait; more are refused.", zh: "可排队的任务数；超出则拒绝。" },
		}),
		keepDays: integer(1, 3650, { default: 30, doc: { en: "How long ended jobs are kept.", zh: "已结束任务的保留天数。" } }),
	}),
	queue: queueSection,
	audit: section({
		secret: optional(z.string().min(8), {
			env: "AUDIT_SECRET",
			secret: true,
			expected: expect("config.expected.secret", { min: 8 }),
			doc: {
				en: "Key of the hash chain; made on the first start by default. Needed when several processes write.",
				zh: "哈希链的密钥；默认在首次启动时生成。多个进程写入时必须设置。",
			},
		}),
		keepDays: integer(1, 36_500, { default: 365, doc: { en: "How long audit entries are kept.", zh: "审计日志的保留天数。" } }),
		mongodbUri: optional(
			text.refine((value) => parseMongodbUri(value) !== null),
			{
				env: "AUDIT_MONGODB_URI",
				secret: true,
				expected: expect("config.expected.mongodbUri"),
				doc: {
					en: "MongoDB of the audit log and of live streams; by default that of the MongoDB layer, and without one the embedded store.",
					zh: "审计日志和实时推送所用的 MongoDB；默认与 MongoDB 层相同，两者均未设置时使用内置存储。",
				},
			},
		),
		checkpointFile: optional(path, {
			expected: expect("config.expected.file"),
			doc: {
				en: "A second file for the audit log's signed checkpoints, best on another machine's disk. With MongoDB only.",
				zh: "审计日志签名检查点的第二个文件，最好位于其他机器的磁盘上。仅用于 MongoDB。",
			},
		}),
		checkpointCommand: optional(text, {
			expected: expect("config.expected.text"),
			doc: {
				en: "A command that is given the newest signed checkpoint on its standard input, once a minute at most. With MongoDB only.",
				zh: "接收最新签名检查点（标准输入）的命令，每分钟至多一次。仅用于 MongoDB。",
			},
		}),
	}),
	auth: section({
		jwtSecret: optional(z.string().min(8), {
			env: "JWT_SECRET",
			secret: true,
			expected: expect("config.expected.secret", { min: 8 }),
			doc: {
				en: "Checks HS256 tokens; made on the first start by default, kept in the data folder with mode 0600.",
				zh: "校验 HS256 令牌；默认在首次启动时生成，保存在数据目录中（权限 0600）。",
			},
		}),
		jwtPublicKey: optional(z.string().refine(isPublicKey), {
			env: "JWT_PUBLIC_KEY",
			fromEnv: (value) => value.replaceAll("\\n", "\n"),
			secret: true,
			expected: expect("config.expected.publicKey"),
			doc: {
				en: "Checks RS256, ES256 or EdDSA tokens. PEM; \\n stands for a line break.",
				zh: "校验 RS256、ES256 或 EdDSA 令牌。PEM 格式；\\n 表示换行。",
			},
		}),
		jwksUri: optional(text.refine(isJwksUri), {
			env: "JWT_JWKS_URI",
			expected: expect("config.expected.jwksUri"),
			doc: { en: "Address of the keys that check tokens.", zh: "用于校验令牌的公钥集地址。" },
		}),
		issuer: optional(text, {
			env: "JWT_ISSUER",
			expected: expect("config.expected.text"),
			doc: { en: "Required issuer of tokens.", zh: "要求的令牌签发者。" },
		}),
		audience: optional(text, {
			env: "JWT_AUDIENCE",
			expected: expect("config.expected.text"),
			doc: { en: "Required audience of tokens.", zh: "要求的令牌受众。" },
		}),
		defaultRole: choice(ROLES, {
			env: "AUTH_DEFAULT_ROLE",
			default: "VIEWER",
			doc: { en: "Role of a valid token without roles.", zh: "不含角色的有效令牌的角色。" },
		}),
	}),
	users: setting(z.record(z.string(), z.enum(ROLES)), {
		default: {},
		expected: expect("config.expected.users"),
		doc: {
			en: "Role by user id, for tokens without roles; comes before the default role.",
			zh: "按用户标识指定角色（用于不含角色的令牌）；优先于默认角色。",
		},
	}),
	loaders: setting(loadersForm, {
		default: {},
		secret: true,
		byName: true,
		expected: expect("config.expected.loaders"),
		doc: {
			en: "Where values are loaded from by refresh and warm-up, by name; see the page on workflows.",
			zh: "刷新和预热所用的加载器，按名称；参见工作流文档。",
		},
	}),
	sources: setting(sourcesForm, {
		default: {},
		secret: true,
		byName: true,
		expected: expect("config.expected.sources"),
		doc: {
			en: "Data sources whose sync makes entries stale, by name; see the page on workflows.",
			zh: "数据源及受其同步影响的条目，按名称；参见工作流文档。",
		},
	}),
	models: section({
		initial: setting(modelsForm, {
			default: [],
			expected: expect("config.expected.models"),
			doc: {
				en: "The model configuration that is in force until somebody changes it.",
				zh: "首次修改之前生效的模型配置。",
			},
		}),
		capabilityTtlSeconds: integer(1, 86_400, {
			default: 3600,
			doc: { en: "How long a cached model capability counts.", zh: "缓存的模型能力的有效期（秒）。" },
		}),
	}),
	quarantine: section({
		byDefault: yesOrNo({
			default: false,
			doc: {
				en: "Whether a cleanup or clear that does not say keeps files in quarantine, also over REST.",
				zh: "未指明的清理或清空是否将文件保留在隔离区（REST 亦然）。",
			},
		}),
		keepHours: integer(1, 8760, {
			default: 72,
			doc: { en: "How long files stay in quarantine.", zh: "文件在隔离区的保留时间（小时）。" },
		}),
		maxBytes: integer(0, Number.MAX_SAFE_INTEGER, {
			default: 1_073_741_824,
			doc: {
				en: "Bytes that quarantine may hold; the oldest are let go for newer ones.",
				zh: "隔离区的容量（字节）；空间不足时最先释放最旧的。",
			},
		}),
	}),
	sync: section({
		coalesceMs: integer(0, 60_000, {
			default: 1000,
			doc: {
				en: "Reports of syncs that come within so many milliseconds are answered by one clearing.",
				zh: "在此毫秒数内到达的同步报告合并为一次清理。",
			},
		}),
	}),
	corsOrigins: setting(oneOrMany(text).pipe(z.array(text.refine(isOrigin))), {
		env: "CORS_ORIGINS",
		fromEnv: listFromEnv,
		default: [],
		expected: expect("config.expected.origins"),
		doc: {
			en: "Pages of other origins that may call, over HTTP and WebSocket.",
			zh: "允许调用的其他来源页面（HTTP 和 WebSocket）。",
		},
	}),
	trustProxy: setting(oneOrMany(text).pipe(z.array(text.refine(isProxy))), {
		env: "TRUST_PROXY",
		fromEnv: listFromEnv,
		default: [],
		expected: expect("config.expected.proxies"),
		doc: {
			en: "Proxies whose X-Forwarded-For is believed: addresses, subnets, loopback, linklocal or uniquelocal; none by default.",
			zh: "信任其 X-Forwarded-For 的代理：地址、网段、loopback、linklocal 或 uniquelocal；默认不信任任何代理。",
		},
	}),
	rateLimits: section({
		perUser: integer(0, 1_000_000, {
			env: "RATE_LIMIT_PER_USER",
			default: 1200,
			doc: {
				en: "Operations a minute of one user, over every way in; 0 turns it off.",
				zh: "每个用户每分钟的操作数（所有入口合计）；0 表示关闭。",
			},
		}),
		perAddress: integer(0, 1_000_000, {
			env: "RATE_LIMIT_PER_ADDRESS",
			default: 2400,
			doc: {
				en: "Operations a minute from one address (an IPv6 network of 64 bits), with or without a valid token; 0 turns it off.",
				zh: "每个地址（IPv6 按 64 位网段）每分钟的操作数，无论令牌是否有效；0 表示关闭。",
			},
		}),
		local: yesOrNo({
			env: "RATE_LIMIT_LOCAL",
			default: false,
			doc: {
				en: "Also limit callers on the server's own machine, such as scripts and the command line.",
				zh: "对服务器本机的调用者（如脚本和命令行）也进行限制。",
			},
		}),
	}),
	limits: section({
		depth: integer(3, 100, { default: 12, doc: { en: "How deep a query may nest.", zh: "查询的最大嵌套深度。" } }),
		aliases: integer(0, 1000, { default: 30, doc: { en: "Aliases in one query.", zh: "单个查询的别名数。" } }),
		tokens: integer(100, 100_000, { default: 2000, doc: { en: "Tokens in one query.", zh: "单个查询的词法单元数。" } }),
		complexity: integer(100, 1_000_000, { default: 5000, doc: { en: "Cost of one query.", zh: "单个查询的复杂度。" } }),
		bodyBytes: integer(1024, 104_857_600, { default: 1_048_576, doc: { en: "Bytes of one request.", zh: "单个请求的字节数。" } }),
		subscriptionsPerSocket: integer(1, 10_000, {
			default: 100,
			doc: { en: "Subscriptions of one connection.", zh: "单个连接的订阅数。" },
		}),
	}),
	log: section({
		level: choice(LOG_LEVELS, { env: "LOG_LEVEL", default: "info", doc: { en: "What is logged.", zh: "日志级别。" } }),
	}),
});

export type Settings = z.output<typeof settingsSchema>;

/** A part of the schema: one setting, or a section of them by name. */
type Part =
	| { readonly kind: "setting"; readonly facts: SettingFacts }
	| { readonly kind: "section"; readonly parts: ReadonlyMap<string, Part> };

function partOf(schema: z.core.$ZodType): Part {
	const about = facts.get(schema);
	if (about) return { kind: "setting", facts: about };
	const inner = schema instanceof z.ZodPrefault ? schema.def.innerType : schema;
	if (!(inner instanceof z.ZodObject)) throw new Error("the schema holds a value that is neither a setting nor a section");
	const shape: Readonly<Record<string, z.core.$ZodType>> = inner.shape;
	return { kind: "section", parts: new Map(Object.entries(shape).map(([name, part]) => [name, partOf(part)])) };
}

/** The tree of all settings. */
export const SETTINGS: Part = partOf(settingsSchema);

/** Every setting with its path in the file, in the order in which they are written above. */
export function listSettings(part: Part = SETTINGS, at: readonly string[] = []): { readonly path: string; readonly facts: SettingFacts }[] {
	if (part.kind === "setting") return [{ path: at.join("."), facts: part.facts }];
	return [...part.parts].flatMap(([name, inner]) => listSettings(inner, [...at, name]));
}
