/** The settings of the layers that are servers. */
import { z } from "zod";
import { isCollectionName, isDatabaseName, parseMongodbUri } from "./mongodb.js";
import { parseHostPort, parseRedisUrl, REDIS_FORMATS } from "./redis.js";
import { expect, integer, oneOrMany, optional, path, rootName, section, setting, text, yesOrNo } from "./setting.js";

const hostPort = text.refine((value) => parseHostPort(value) !== null);
/** Either a prefix, taken literally, or a form of keys; pickles tell their types themselves. */
const redisNamespace = z
	.strictObject({
		name: rootName,
		prefix: z.string().min(1).optional(),
		keys: z.literal("hex32").optional(),
		type: text.optional(),
		format: z.enum(REDIS_FORMATS),
		timeToLiveHours: z.number().positive().optional(),
	})
	.refine(
		({ prefix, keys, type, format }) => (prefix === undefined) !== (keys === undefined) && (type !== undefined || format === "pickle"),
	);
/** The field's own namespaces (docs: cache layouts). */
const REDIS_NAMESPACES: z.output<typeof redisNamespace>[] = [
	{ name: "stock", prefix: "stock:", type: "stock_data", format: "json", timeToLiveHours: 6 },
	{ name: "news", prefix: "news:", type: "news", format: "json", timeToLiveHours: 24 },
	{ name: "fundamentals", prefix: "fundamentals:", type: "fundamentals", format: "json", timeToLiveHours: 24 },
	{ name: "pickles", keys: "hex32", format: "pickle" },
	{ name: "model_capability", prefix: "model_capability:", type: "model_capabilities", format: "json" },
];
const collectionName = text.refine(isCollectionName);
const mongodbCollection = z.union([collectionName, z.strictObject({ name: collectionName, type: text.optional() })]);

export const redisSection = section({
	url: optional(
		text.refine((value) => parseRedisUrl(value) !== null),
		{
			env: "REDIS_URL",
			secret: true,
			expected: expect("config.expected.redisUrl"),
			doc: {
				en: "Adds the Redis layer: redis://user:password@host:6379/0, or rediss:// for TLS.",
				zh: "启用 Redis 层：redis://user:password@host:6379/0，使用 TLS 时为 rediss://。",
			},
		},
	),
	cluster: setting(z.array(hostPort), {
		default: [],
		expected: expect("config.expected.hostPorts"),
		doc: { en: "Instead of url: some nodes of a Cluster, as host:port.", zh: "代替 url：集群的若干节点，格式为 host:port。" },
	}),
	sentinel: section({
		addresses: setting(z.array(hostPort), {
			default: [],
			expected: expect("config.expected.hostPorts"),
			doc: { en: "Instead of url: the sentinels, as host:port.", zh: "代替 url：哨兵节点，格式为 host:port。" },
		}),
		master: setting(text, {
			default: "mymaster",
			expected: expect("config.expected.text"),
			doc: { en: "The name of the group that they watch.", zh: "哨兵监视的主节点名称。" },
		}),
		username: optional(text, {
			expected: expect("config.expected.text"),
			doc: { en: "User of the sentinels themselves.", zh: "哨兵自身的用户名。" },
		}),
		password: optional(text, {
			secret: true,
			expected: expect("config.expected.text"),
			doc: { en: "Password of the sentinels themselves.", zh: "哨兵自身的密码。" },
		}),
	}),
	username: optional(text, {
		expected: expect("config.expected.text"),
		doc: { en: "User on a Cluster or behind sentinels; with url it stands there.", zh: "集群或哨兵方式的用户名；使用 url 时写在其中。" },
	}),
	password: optional(text, {
		secret: true,
		expected: expect("config.expected.text"),
		doc: { en: "Its password; with url it stands there.", zh: "其密码；使用 url 时写在其中。" },
	}),
	database: integer(0, 65_535, {
		default: 0,
		doc: { en: "Database behind sentinels; with url it stands there.", zh: "哨兵方式的数据库编号；使用 url 时写在其中。" },
	}),
	tls: yesOrNo({
		default: false,
		doc: {
			en: "TLS on a Cluster or behind sentinels; with url, rediss:// says so.",
			zh: "集群或哨兵方式是否使用 TLS；使用 url 时由 rediss:// 表示。",
		},
	}),
	caFile: optional(path, {
		expected: expect("config.expected.file"),
		doc: { en: "PEM file of the authority that signed the server's certificate.", zh: "签发服务器证书的 CA 的 PEM 文件。" },
	}),
	namespaces: setting(z.array(redisNamespace), {
		default: REDIS_NAMESPACES,
		expected: expect("config.expected.redisNamespaces"),
		doc: {
			en: "Which keys belong to the cache: a name, a literal prefix (or keys: hex32), a type, the format of the values (json, pickle, other) and the full time to live in hours. No other key is ever read, counted or deleted.",
			zh: "哪些键属于缓存：名称、前缀（按字面匹配；或 keys: hex32）、类型、值的格式（json、pickle、other）以及完整有效期（小时）。其他键不会被读取、统计或删除。",
		},
	}),
	setNotifications: yesOrNo({
		default: false,
		doc: {
			en: "Let the program turn on the server's keyspace notifications (CONFIG SET notify-keyspace-events).",
			zh: "允许程序开启服务器的键空间通知（CONFIG SET notify-keyspace-events）。",
		},
	}),
});

export const mongodbSection = section({
	uri: optional(
		text.refine((value) => parseMongodbUri(value) !== null),
		{
			env: "MONGODB_URI",
			secret: true,
			expected: expect("config.expected.mongodbUri"),
			doc: {
				en: "Adds the MongoDB layer: mongodb://user:password@host:27017/database?authSource=admin.",
				zh: "启用 MongoDB 层：mongodb://用户:密码@主机:27017/数据库?authSource=admin。",
			},
		},
	),
	database: optional(text.refine(isDatabaseName), {
		expected: expect("config.expected.mongodbDatabase"),
		doc: {
			en: "The cache's database; by default the one that the address names, else tradingagents.",
			zh: "缓存所在的数据库；默认使用地址中的数据库，否则为 tradingagents。",
		},
	}),
	collections: setting(oneOrMany(mongodbCollection).pipe(z.array(mongodbCollection).min(1)), {
		default: ["stock_data", "news_data", "fundamentals_data", "cache"],
		expected: expect("config.expected.mongodbCollections"),
		doc: {
			en: "Which collections belong to the cache: names, or in YAML a name and the type of what lies there. No other collection is ever read, counted or deleted.",
			zh: "哪些集合属于缓存：名称，或在 YAML 中给出 name 和其中条目的 type。其他集合不会被读取、统计或删除。",
		},
	}),
	createIndexes: yesOrNo({
		default: false,
		doc: {
			en: "Let the program make an index on created_at where a collection has none; building it reads the whole collection once.",
			zh: "允许程序在缺少 created_at 索引的集合上创建索引；创建时会读取整个集合一次。",
		},
	}),
});
