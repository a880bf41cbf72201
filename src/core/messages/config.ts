export const CONFIG_MESSAGES = {
	"config.title": { en: "The configuration has {count} fault(s):", zh: "配置有 {count} 处错误：" },
	"config.fault": { en: "{culprit}: {what}; {remedy}", zh: "{culprit}：{what}；{remedy}" },
	"config.faultOfValue": { en: "{culprit} = {value}: {what}; {remedy}", zh: "{culprit} = {value}：{what}；{remedy}" },
	"config.hidden": { en: "(hidden)", zh: "（已隐藏）" },

	"config.expected.host": { en: "must be a host name or an IP address", zh: "必须是主机名或 IP 地址" },
	"config.expected.integer": { en: "must be a whole number from {min} to {max}", zh: "必须是 {min} 到 {max} 之间的整数" },
	"config.expected.choice": { en: "must be one of {choices}", zh: "必须是以下之一：{choices}" },
	"config.expected.boolean": { en: "must be true or false", zh: "必须是 true 或 false" },
	"config.expected.path": { en: "must be the path of a folder", zh: "必须是文件夹路径" },
	"config.expected.cacheRoots": {
		en: "must be one or several folders: paths, or in YAML entries of path, name and layout",
		zh: "必须是一个或多个文件夹：路径，或 YAML 中包含 path、name、layout 的条目",
	},
	"config.expected.pythonRoots": {
		en: "must be folders: paths, or in YAML entries of path and name",
		zh: "必须是文件夹：路径，或 YAML 中包含 path、name 的条目",
	},
	"config.expected.timeZone": {
		en: "must be the name of a time zone, such as Asia/Shanghai or UTC",
		zh: "必须是时区名称，例如 Asia/Shanghai 或 UTC",
	},
	"config.expected.hours": {
		en: "must give a number of hours over 0 for each type",
		zh: "必须为每种类型给出大于 0 的小时数",
	},
	"config.expected.secret": { en: "must be a text of at least {min} characters", zh: "必须是至少 {min} 个字符的文本" },
	"config.expected.publicKey": {
		en: "must be a PEM public key: RSA of at least 2048 bits, EC P-256 or Ed25519",
		zh: "必须是 PEM 格式公钥：至少 2048 位的 RSA、EC P-256 或 Ed25519",
	},
	"config.expected.jwksUri": {
		en: "must be an https address (http only on this machine)",
		zh: "必须是 https 地址（仅本机可用 http）",
	},
	"config.expected.text": { en: "must be a text", zh: "必须是文本" },
	"config.expected.users": {
		en: "must give a role for each user id: VIEWER, OPERATOR or ADMIN",
		zh: "必须为每个用户标识给出角色：VIEWER、OPERATOR 或 ADMIN",
	},
	"config.expected.origins": {
		en: "must be exact origins such as https://console.example.org, without path and without *",
		zh: "必须是准确的来源，例如 https://console.example.org，不含路径，不含 *",
	},
	"config.expected.proxies": {
		en: "must be addresses or subnets of proxies such as 10.0.0.0/8, or loopback, linklocal, uniquelocal",
		zh: "必须是代理的地址或网段（例如 10.0.0.0/8），或 loopback、linklocal、uniquelocal",
	},
	"config.expected.section": { en: "must be a section of settings", zh: "必须是一组设置" },

	"config.remedy.default": { en: "correct it, or leave it out for {value}", zh: "请更正，或省略以使用 {value}" },
	"config.remedy.optional": { en: "correct it, or leave it out", zh: "请更正，或省略" },
	"config.remedy.remove": { en: "remove it", zh: "请删除" },
	"config.remedy.nearest": { en: "did you mean {name}? Otherwise remove it", zh: "是否应为 {name}？否则请删除" },

	"config.unknownKey": { en: "there is no such setting", zh: "没有此设置" },
	"config.fileMissing": { en: "{path} does not exist", zh: "{path} 不存在" },
	"config.fileMissingRemedy": {
		en: "create it, or leave CONFIG_FILE out to run without a file",
		zh: "请创建该文件，或省略 CONFIG_FILE 以不使用配置文件",
	},
	"config.fileUnreadable": { en: "it cannot be read ({code})", zh: "无法读取（{code}）" },
	"config.fileUnreadableRemedy": { en: "let this user read it", zh: "请允许当前用户读取" },
	"config.yamlBroken": {
		en: "line {line}, column {column} is not YAML: {reason}",
		zh: "第 {line} 行第 {column} 列不是有效的 YAML：{reason}",
	},
	"config.yamlBrokenRemedy": { en: "correct that line", zh: "请更正该行" },
	"config.yamlNotMap": { en: "it is not a list of settings", zh: "内容不是设置项" },
	"config.yamlNotMapRemedy": { en: "write `name: value` lines", zh: "请写成 `名称: 值` 的形式" },

	"config.publicWithoutSecret": {
		en: "other machines could reach the server, but tokens are checked with a secret that was only made on this one",
		zh: "其他机器可以访问服务器，但令牌使用的是本机自动生成的密钥",
	},
	"config.publicWithoutSecretRemedy": {
		en: "set JWT_SECRET, JWT_PUBLIC_KEY or JWT_JWKS_URI, or use 127.0.0.1",
		zh: "请设置 JWT_SECRET、JWT_PUBLIC_KEY 或 JWT_JWKS_URI，或使用 127.0.0.1",
	},
	"config.keyAndJwks": { en: "stands beside {other}, and only one of them can be right", zh: "与 {other} 同时设置，只能使用其一" },
	"config.keyAndJwksRemedy": { en: "leave one of them out", zh: "请去掉其中一个" },
	"config.rootTooWide": {
		en: "{path} holds more than a cache, and everything below a root may be deleted",
		zh: "{path} 不只包含缓存，而根目录下的所有内容都可能被删除",
	},
	"config.rootTooWideRemedy": { en: "name the cache's own folder", zh: "请指定缓存自己的文件夹" },
	"config.rootsOverlap": {
		en: "{path} lies in {other}, so its entries would be counted twice",
		zh: "{path} 位于 {other} 之内，其中的条目会被重复计算",
	},
	"config.rootsOverlapRemedy": { en: "leave one of them out", zh: "请去掉其中一个" },
	"config.rootsSameName": { en: "two roots are called {name}", zh: "有两个根目录都叫 {name}" },
	"config.rootsSameNameRemedy": { en: "give each its own name", zh: "请为每个根目录取不同的名称" },
	"config.dataDirInRoot": {
		en: "{path} and the cache root {other} lie in each other, so a clear would delete the program's own state",
		zh: "{path} 与缓存根目录 {other} 互相包含，清空缓存会删除程序自身的数据",
	},
	"config.dataDirInRootRemedy": { en: "choose another DATA_DIR", zh: "请设置其他 DATA_DIR" },
} as const;
