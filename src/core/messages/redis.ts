/** The Redis layer: its settings, what can be wrong with its server, and what the doctor says of it. */
export const REDIS_MESSAGES = {
	"config.expected.redisUrl": {
		en: "is not a redis:// address such as redis://user:password@host:6379/0 (rediss:// for TLS)",
		zh: "不是有效的 redis:// 地址，例如 redis://user:password@host:6379/0（TLS 使用 rediss://）",
	},
	"config.expected.hostPorts": { en: "must be a list of host:port", zh: "必须是 host:port 列表" },
	"config.expected.file": { en: "must be the path of a file", zh: "必须是文件路径" },
	"config.expected.redisNamespaces": {
		en: "must be a list of namespaces: name, prefix (or keys: hex32), type, format (json, pickle or other) and timeToLiveHours; only pickles need no type",
		zh: "必须是命名空间列表：name、prefix（或 keys: hex32）、type、format（json、pickle 或 other）和 timeToLiveHours；只有 pickle 可省略 type",
	},
	"config.redisTwoWays": { en: "stands beside {other}, and there is one Redis layer", zh: "与 {other} 同时设置，而 Redis 层只能有一个" },
	"config.redisTwoWaysRemedy": { en: "leave one of them out", zh: "请去掉其中一个" },
	"config.redisInUrl": { en: "is for a Cluster or sentinels, and {other} is set", zh: "用于集群或哨兵方式，而 {other} 已设置" },
	"config.redisInUrlRemedy": { en: "write it into the address, or leave it out", zh: "请写入地址中，或省略" },
	"config.redisCaWithoutTls": { en: "is only used with TLS, and the address does not ask for it", zh: "仅用于 TLS，而地址未启用 TLS" },
	"config.redisCaWithoutTlsRemedy": { en: "use rediss:// (or tls: true), or leave it out", zh: "请使用 rediss://（或 tls: true），或省略" },
	"config.redisStar": {
		en: "the prefix {prefix} of {name} ends in a star, and prefixes are taken literally",
		zh: "{name} 的前缀 {prefix} 以星号结尾，而前缀按字面匹配",
	},
	"config.redisStarRemedy": { en: "write {literal}", zh: "请写成 {literal}" },
	"config.redisQueueKeys": {
		en: "{name} would hold keys of the queue ({queue}…), which a clear would delete",
		zh: "{name} 会包含任务队列的键（{queue}…），清空缓存会将其删除",
	},
	"config.redisQueueKeysRemedy": { en: "choose a longer or another prefix", zh: "请使用更长或其他的前缀" },
	"config.redisSameName": { en: "two namespaces are called {name}", zh: "有两个命名空间都叫 {name}" },
	"config.redisSameNameRemedy": { en: "give each its own name", zh: "请为每个命名空间取不同的名称" },
	"config.redisOverlap": {
		en: "a key could belong to {name} and to {other}, and would be counted twice",
		zh: "同一个键可能同时属于 {name} 和 {other}，会被重复计算",
	},
	"config.redisOverlapRemedy": { en: "leave one of them out, or make the prefixes differ", zh: "请去掉其中一个，或使用不同的前缀" },
	"config.redisCaUnreadable": { en: "{path} cannot be read ({code})", zh: "{path} 无法读取（{code}）" },
	"config.redisCaUnreadableRemedy": { en: "correct the path, or let this user read it", zh: "请更正路径，或允许当前用户读取" },

	"error.redisUnreachable": {
		en: "{location} cannot be reached ({reason}); start it, or correct its address",
		zh: "无法连接 {location}（{reason}），请启动服务器或更正地址",
	},
	"error.redisTimeout": {
		en: "{location} did not answer in time; see whether it hangs or is overloaded",
		zh: "{location} 响应超时，请检查其是否卡住或过载",
	},
	"error.redisPassword": {
		en: "{location} refuses the user or password; correct them in REDIS_URL",
		zh: "{location} 拒绝了用户名或密码，请在 REDIS_URL 中更正",
	},
	"error.redisNoPermission": {
		en: "{location} does not allow this user the command {command}; allow it in the server's ACL",
		zh: "{location} 不允许当前用户执行命令 {command}，请在服务器 ACL 中授权",
	},
	"error.redisNoKeys": {
		en: "{location} does not allow this user all keys or channels of the namespaces; allow them in the server's ACL",
		zh: "{location} 不允许当前用户访问命名空间的全部键或频道，请在服务器 ACL 中授权",
	},
	"error.redisBusy": {
		en: "{location} is busy ({reason}: loading its data or running a script); it is asked again",
		zh: "{location} 正忙（{reason}：正在载入数据或执行脚本），稍后会重试",
	},
	"error.redisReadOnly": {
		en: "{location} is a replica and takes no writes; name the master, or the sentinels",
		zh: "{location} 是只读副本，请改为主节点或哨兵地址",
	},
	"error.redisTooOld": {
		en: "{program} {version} at {location} is too old; {min}.0 or newer is needed",
		zh: "{location} 的 {program} {version} 版本过低，需要 {min}.0 或更新版本",
	},
	"error.redisForeignKey": {
		en: "{key} belongs to no namespace called {place}; it was left alone",
		zh: "{key} 不属于命名空间 {place}，已保留",
	},

	"doctor.redis.ok": { en: "{program} {version} answers at {location}", zh: "{program} {version} 响应正常：{location}" },
	"doctor.redis.down": { en: "the Redis layer cannot be used: {error}", zh: "Redis 层不可用：{error}" },
	"doctor.redis.unreachableRemedy": {
		en: "start the server, or correct host and port in REDIS_URL; a firewall, or TLS on one side only, may also be in between",
		zh: "请启动服务器，或更正 REDIS_URL 中的主机和端口；也可能被防火墙阻断，或只有一端使用 TLS",
	},
	"doctor.redis.lateRemedy": {
		en: "look at the load of the server (redis-cli SLOWLOG GET) and the network between",
		zh: "请检查服务器负载（redis-cli SLOWLOG GET）和网络",
	},
	"doctor.redis.passwordRemedy": {
		en: "correct user and password in REDIS_URL: redis://user:password@host:port/database (special characters as %40 and the like)",
		zh: "请更正 REDIS_URL 中的用户名和密码：redis://user:password@host:port/database（特殊字符写成 %40 等）",
	},
	"doctor.redis.rights": { en: "the user of REDIS_URL lacks rights: {missing}", zh: "REDIS_URL 中的用户缺少权限：{missing}" },
	"doctor.redis.rightsRemedy": {
		en: "ACL SETUSER <user> +@read +@connection +@scripting +unlink +info +time +psubscribe +config|get, with the namespaces' keys (~stock:*) and &__keyspace*",
		zh: "ACL SETUSER <用户> +@read +@connection +@scripting +unlink +info +time +psubscribe +config|get，并授予命名空间的键（~stock:*）和 &__keyspace*",
	},
	"doctor.redis.versionRemedy": { en: "use Redis {min}.0 or newer, or Valkey", zh: "请使用 Redis {min}.0 或更新版本，或 Valkey" },
	"doctor.redis.replicaRemedy": {
		en: "name the master, or its sentinels (redis.sentinel), which follow a failover",
		zh: "请改为主节点，或其哨兵地址（redis.sentinel），以便自动跟随故障转移",
	},
	"doctor.redis.evicts": {
		en: "{location} evicts ({policy}): good for a cache, but jobs that lie there would be lost",
		zh: "{location} 会淘汰键（{policy}）：适合缓存，但存放其中的任务会丢失",
	},
	"doctor.redis.evictsRemedy": {
		en: "set QUEUE_REDIS_URL to another server, whose maxmemory-policy is noeviction",
		zh: "请将 QUEUE_REDIS_URL 设为另一台 maxmemory-policy 为 noeviction 的服务器",
	},
	"doctor.redis.lfu": {
		en: "{location} counts uses ({policy}) and does not know when a key was last used: lastAccessedAt stays empty",
		zh: "{location} 按使用次数淘汰（{policy}），不记录最后访问时间：lastAccessedAt 为空",
	},
	"doctor.redis.lfuRemedy": {
		en: "choose an -lru policy when the last use matters; nothing else depends on it",
		zh: "如需最后访问时间，请选用 -lru 策略；其他功能不受影响",
	},
	"doctor.redis.full": {
		en: "{location} holds {used} of {most} and evicts nothing: soon nobody can write there",
		zh: "{location} 已使用 {used}（上限 {most}）且不淘汰键：很快将无法写入",
	},
	"doctor.redis.fullRemedy": {
		en: "clean up, raise maxmemory, or choose a policy such as allkeys-lru",
		zh: "请清理缓存、提高 maxmemory，或选用 allkeys-lru 等策略",
	},
	"doctor.redis.notified": { en: "{location} reports changes as they happen", zh: "{location} 会实时通知变化" },
	"doctor.redis.notifiedByNode": {
		en: "changes on a Cluster are found by scanning: its notifications stay on their nodes",
		zh: "集群的变化通过扫描发现：其通知只在各节点内发送",
	},
	"doctor.redis.notifyOff": {
		en: '{location} reports no changes (notify-keyspace-events is "{flags}"): totals follow by scans only',
		zh: '{location} 不通知变化（notify-keyspace-events 为 "{flags}"）：统计只能靠扫描更新',
	},
	"doctor.redis.notifyOffRemedy": {
		en: "CONFIG SET notify-keyspace-events {wanted} (and in its configuration file), or redis.setNotifications: true",
		zh: "CONFIG SET notify-keyspace-events {wanted}（并写入其配置文件），或设置 redis.setNotifications: true",
	},
	"doctor.redis.notifyHidden": {
		en: "{location} does not tell this user whether it reports changes: totals follow by scans only",
		zh: "{location} 不允许当前用户查询是否通知变化：统计只能靠扫描更新",
	},
	"doctor.redis.notifyHiddenRemedy": {
		en: "allow it CONFIG GET: ACL SETUSER <user> +config|get",
		zh: "请授权 CONFIG GET：ACL SETUSER <用户> +config|get",
	},
} as const;
