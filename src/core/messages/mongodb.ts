export const MONGODB_MESSAGES = {
	"config.expected.mongodbUri": {
		en: "must be mongodb://user:password@host:27017/database, or mongodb+srv://; characters such as @ : / in a password are written %40 %3A %2F",
		zh: "必须是 mongodb://用户:密码@主机:27017/数据库，或 mongodb+srv://；密码中的 @ : / 等字符须写成 %40 %3A %2F",
	},
	"config.expected.mongodbDatabase": {
		en: "must be the name of a database, and not admin, config or local",
		zh: "必须是数据库名称，且不能是 admin、config 或 local",
	},
	"config.expected.mongodbCollections": {
		en: "must be names of collections, or in YAML entries of name and type",
		zh: "必须是集合名称，或 YAML 中包含 name、type 的条目",
	},
	"config.mongodbOwn": {
		en: "{name} is where the program keeps its audit log, and a clear would delete it",
		zh: "{name} 是本程序保存审计日志的集合，清空缓存会将其删除",
	},
	"config.mongodbOwnRemedy": { en: "leave it out", zh: "请去掉它" },
	"config.mongodbSameName": {
		en: "{name} is named twice, so its entries would be counted twice",
		zh: "{name} 出现两次，其中的条目会被重复计算",
	},
	"config.mongodbSameNameRemedy": { en: "leave one of them out", zh: "请去掉其中一个" },

	"mongodb.unreachable": {
		en: "{location} cannot be reached: {reason}; check that MongoDB runs there and that MONGODB_URI is right",
		zh: "无法连接 {location}：{reason}；请确认 MongoDB 正在运行且 MONGODB_URI 正确",
	},
	"mongodb.late": {
		en: "{location} did not answer in time; it is overloaded, frozen or cut off",
		zh: "{location} 未及时响应；可能负载过高、停止响应或网络中断",
	},
	"mongodb.login": {
		en: "{location} refuses the user or password of MONGODB_URI; correct them, or name the database of users with ?authSource=",
		zh: "{location} 拒绝了 MONGODB_URI 中的用户或密码；请更正，或用 ?authSource= 指定用户所在的数据库",
	},
	"mongodb.forbidden": {
		en: "{location} does not allow the user of MONGODB_URI to do this; grant the role readWrite on the database",
		zh: "{location} 不允许 MONGODB_URI 中的用户执行此操作；请授予该数据库的 readWrite 角色",
	},
	"mongodb.old": {
		en: "{location} is too old: {reason}; use MongoDB 4.4 or newer",
		zh: "{location} 版本过低：{reason}；请使用 MongoDB 4.4 或更高版本",
	},
	"mongodb.refused": { en: "{location} refused: {reason}", zh: "{location} 拒绝执行：{reason}" },
	"mongodb.notConfigured": {
		en: "{place} is not a configured collection; nothing of it was touched",
		zh: "{place} 不是已配置的集合，未做任何更改",
	},
	"mongodb.kept": {
		en: "it is still there although nothing of it seems to have changed; it was left alone",
		zh: "条目看似未变化却未被删除，已保留",
	},

	"doctor.mongodb.ok": { en: "MongoDB {version} answers at {location}", zh: "MongoDB {version} 响应正常：{location}" },
	"doctor.mongodb.down": { en: "the MongoDB layer cannot be used: {error}", zh: "MongoDB 层不可用：{error}" },
	"doctor.mongodb.unreachableRemedy": {
		en: "start MongoDB, or correct host and port in MONGODB_URI; a firewall may also be in between",
		zh: "请启动 MongoDB，或更正 MONGODB_URI 中的主机和端口；也可能被防火墙阻断",
	},
	"doctor.mongodb.lateRemedy": {
		en: "look at the load of the server and the network between; a replica set needs a primary",
		zh: "请检查服务器负载和网络；副本集必须有主节点",
	},
	"doctor.mongodb.loginRemedy": {
		en: "correct user and password in MONGODB_URI (special characters as %40 and the like), and name the users' database, for example ?authSource=admin",
		zh: "请更正 MONGODB_URI 中的用户和密码（特殊字符写成 %40 等），并指定用户所在的数据库，例如 ?authSource=admin",
	},
	"doctor.mongodb.rights": { en: "the user of MONGODB_URI lacks rights: {missing}", zh: "MONGODB_URI 中的用户缺少权限：{missing}" },
	"doctor.mongodb.rightsRemedy": {
		en: "grant it readWrite: db.grantRolesToUser(user, [{ role: 'readWrite', db: '{database}' }])",
		zh: "请授予 readWrite：db.grantRolesToUser(用户, [{ role: 'readWrite', db: '{database}' }])",
	},
	"doctor.mongodb.version": { en: "{location} is MongoDB {version}", zh: "{location} 的 MongoDB 版本为 {version}" },
	"doctor.mongodb.versionRemedy": { en: "use MongoDB {min} or newer", zh: "请使用 MongoDB {min} 或更高版本" },
	"doctor.mongodb.changes": {
		en: "{location} is not a replica set: totals follow by scans only, and the audit log is not live from there",
		zh: "{location} 不是副本集：统计只能靠扫描更新，审计日志无法由其实时推送",
	},
	"doctor.mongodb.changesRemedy": {
		en: "start mongod with --replSet rs0 and run rs.initiate() once; one node is enough",
		zh: "请以 --replSet rs0 启动 mongod 并执行一次 rs.initiate()；单节点即可",
	},
	"doctor.mongodb.index": {
		en: "collection {collection} has no index on created_at; this program works without, others that delete by age read all of it",
		zh: "集合 {collection} 没有 created_at 索引；本程序不需要它，但按时间删除的其他程序会扫描整个集合",
	},
	"doctor.mongodb.indexRemedy": {
		en: "db.{collection}.createIndex({ created_at: 1 }), or mongodb.createIndexes: true",
		zh: "db.{collection}.createIndex({ created_at: 1 })，或设置 mongodb.createIndexes: true",
	},
} as const;
