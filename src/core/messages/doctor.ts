/** What the doctor finds, and how to mend it. */
export const DOCTOR_MESSAGES = {
	"doctor.node.ok": { en: "Node {version}", zh: "Node {version}" },
	"doctor.node.old": { en: "Node {version} is too old", zh: "Node {version} 版本过低" },
	"doctor.node.remedy": { en: "install Node {min} or newer", zh: "请安装 Node {min} 或更新版本" },

	"doctor.config.ok": {
		en: "the configuration is valid (no file, environment and defaults)",
		zh: "配置有效（无配置文件，使用环境变量和默认值）",
	},
	"doctor.config.okFile": { en: "the configuration is valid ({file})", zh: "配置有效（{file}）" },
	"doctor.config.fileReadable": { en: "{file} holds a secret, and others may read it", zh: "{file} 含有密钥，且其他用户可读" },
	"doctor.config.fileReadableRemedy": { en: "chmod 600 {file}", zh: "chmod 600 {file}" },
	"doctor.config.shortSecret": {
		en: "JWT_SECRET has {length} bytes, which can be guessed",
		zh: "JWT_SECRET 只有 {length} 字节，可能被猜出",
	},
	"doctor.config.shortSecretRemedy": { en: "use at least {min} random bytes", zh: "请使用至少 {min} 字节的随机密钥" },
	"doctor.config.allAdmin": { en: "every valid token without roles may do everything", zh: "任何不含角色的有效令牌都拥有全部权限" },
	"doctor.config.allAdminRemedy": {
		en: "set AUTH_DEFAULT_ROLE to VIEWER, and name administrators under users in the YAML",
		zh: "请将 AUTH_DEFAULT_ROLE 设为 VIEWER，并在 YAML 的 users 中指定管理员",
	},
	"doctor.zone.ok": {
		en: "times without a zone are read as {zone}, where it is {now}",
		zh: "未注明时区的时间按 {zone} 读取，当地时间 {now}",
	},
	"doctor.zone.unknown": { en: "TZ names no time zone: {zone}", zh: "TZ 不是有效时区：{zone}" },
	"doctor.zone.unknownRemedy": {
		en: "set TZ to a name such as Asia/Shanghai, or set CACHE_TIMEZONE",
		zh: "请将 TZ 设为 Asia/Shanghai 等名称，或设置 CACHE_TIMEZONE",
	},

	"doctor.server.ok": { en: "a server answers at {url}", zh: "{url} 的服务器有响应" },
	"doctor.server.silent": { en: "no server answers at {url}", zh: "{url} 没有服务器响应" },
	"doctor.server.silentRemedy": {
		en: "start it there with cachewarden serve, or correct --url; a proxy in between must pass /graphql and /healthz",
		zh: "请在该处运行 cachewarden serve，或更正 --url；中间的代理须放行 /graphql 和 /healthz",
	},
	"doctor.server.strange": { en: "the API does not answer as it should: {reason}", zh: "API 响应异常：{reason}" },
	"doctor.server.token": { en: "the token is taken: {user}, {roles}, until {end}", zh: "令牌有效：{user}，{roles}，至 {end}" },
	"doctor.server.refused": { en: "the server does not take the token, or there is none", zh: "服务器不接受令牌，或未提供令牌" },
	"doctor.server.refusedRemedy": {
		en: "sign one where the server's secret is (cachewarden token --user NAME --role ADMIN) and give it with --token or CACHEWARDEN_TOKEN",
		zh: "请在持有服务器密钥处签发（cachewarden token --user NAME --role ADMIN），并通过 --token 或 CACHEWARDEN_TOKEN 提供",
	},

	"doctor.root.ok": { en: "root {path} can be read and written", zh: "根目录 {path} 可读写" },
	"doctor.root.missing": { en: "root {path} does not exist", zh: "根目录 {path} 不存在" },
	"doctor.root.missingRemedy": { en: "mkdir -p {path}, or correct the configuration", zh: "mkdir -p {path}，或修正配置" },
	"doctor.root.hidden": { en: "this user may not look into {path}", zh: "当前用户无权进入 {path}" },
	"doctor.root.hiddenRemedy": { en: "let this user pass: chmod +x {path}", zh: "请授予进入权限：chmod +x {path}" },
	"doctor.root.link": {
		en: "root {path} is a symbolic link, and links are not followed",
		zh: "根目录 {path} 是符号链接，程序不会跟随链接",
	},
	"doctor.root.linkRemedy": { en: "configure the folder that it points to", zh: "请配置其指向的文件夹" },
	"doctor.root.notFolder": { en: "{path} is not a folder", zh: "{path} 不是文件夹" },
	"doctor.root.notFolderRemedy": { en: "correct the configuration", zh: "请修正配置" },
	"doctor.root.unreadable": { en: "this user may not read {path}", zh: "当前用户无权读取 {path}" },
	"doctor.root.unreadableRemedy": {
		en: "run as the user who owns it, or chmod u+rx {path}",
		zh: "请以其所有者身份运行，或 chmod u+rx {path}",
	},
	"doctor.root.unwritable": { en: "this user may not remove anything from {path}", zh: "当前用户无权删除 {path} 中的内容" },
	"doctor.root.unwritableRemedy": {
		en: "run as the user who owns it, or chmod u+w {path}",
		zh: "请以其所有者身份运行，或 chmod u+w {path}",
	},

	"doctor.dataDir.ok": { en: "data folder {path} can be read and written", zh: "数据目录 {path} 可读写" },
	"doctor.dataDir.new": { en: "data folder {path} is made at the first start", zh: "数据目录 {path} 将在首次启动时创建" },
	"doctor.dataDir.cannotMake": { en: "data folder {path} is missing and cannot be made", zh: "数据目录 {path} 不存在且无法创建" },
	"doctor.dataDir.cannotMakeRemedy": {
		en: "let this user write {parent}, or choose another DATA_DIR",
		zh: "请授予 {parent} 的写权限，或设置其他 DATA_DIR",
	},
	"doctor.dataDir.notFolderRemedy": { en: "choose another DATA_DIR", zh: "请设置其他 DATA_DIR" },
	"doctor.dataDir.open": { en: "others may look into {path}", zh: "其他用户可以查看 {path}" },
	"doctor.dataDir.openRemedy": { en: "chmod 700 {path}", zh: "chmod 700 {path}" },
	"doctor.dataDir.secretOpen": { en: "others may read the secret in {path}", zh: "其他用户可以读取 {path} 中的密钥" },
	"doctor.dataDir.secretOpenRemedy": {
		en: "chmod 600 {path}, and remove it to have a new one made if it was read",
		zh: "chmod 600 {path}；若已泄露，请删除以重新生成",
	},
	"doctor.space.ok": { en: "{free} free for the program's state", zh: "数据目录所在磁盘剩余 {free}" },
	"doctor.space.low": {
		en: "only {free} free at {path}; without space nothing can be recorded, so nothing is done",
		zh: "{path} 仅剩 {free}；空间不足时无法记录，因此不会执行任何操作",
	},
	"doctor.space.lowRemedy": { en: "free some space, or choose a DATA_DIR on another disk", zh: "请清理磁盘，或将 DATA_DIR 设到其他磁盘" },

	"doctor.watch.ok": { en: "{needed} folders to watch, {watches} watches allowed", zh: "需监视 {needed} 个文件夹，系统允许 {watches} 个" },
	"doctor.watch.off": { en: "watching is off; the disk is compared every {seconds} s", zh: "监视已关闭；每 {seconds} 秒与磁盘比对" },
	"doctor.watch.tooFew": {
		en: "{needed} folders to watch, but only {watches} watches allowed: changes in the rest are seen by comparison only",
		zh: "需监视 {needed} 个文件夹，但系统只允许 {watches} 个：其余变化只能通过比对发现",
	},
	"doctor.watch.tooFewRemedy": { en: "sysctl fs.inotify.max_user_watches={wanted}", zh: "sysctl fs.inotify.max_user_watches={wanted}" },
	"doctor.watch.shortQueue": {
		en: "the kernel holds only {queue} file events, so large bursts are lost and compared afterwards",
		zh: "内核只保留 {queue} 个文件事件，大量变化会丢失并在之后比对",
	},
	"doctor.watch.shortQueueRemedy": { en: "sysctl fs.inotify.max_queued_events={usual}", zh: "sysctl fs.inotify.max_queued_events={usual}" },
	"doctor.watch.remote": {
		en: "{path} lies on {fileSystem}: other machines' changes are seen every {seconds} s",
		zh: "{path} 位于 {fileSystem}：其他机器的变化每 {seconds} 秒比对一次",
	},
	"doctor.watch.remoteBlind": {
		en: "{path} lies on {fileSystem}, where other machines' changes are not reported",
		zh: "{path} 位于 {fileSystem}，其他机器的变化不会被报告",
	},
	"doctor.watch.remoteBlindRemedy": {
		en: "set catalog.reconcileEverySeconds to a number over 0",
		zh: "请将 catalog.reconcileEverySeconds 设为大于 0 的值",
	},

	"doctor.store.free": { en: "no other process uses the data folder", zh: "没有其他进程使用数据目录" },
	"doctor.store.new": { en: "there is no store yet", zh: "尚无数据" },
	"doctor.store.server": {
		en: "the server at {url} (process {pid}) holds the data folder and answers",
		zh: "{url} 的服务器（进程 {pid}）持有数据目录，响应正常",
	},
	"doctor.store.locked": { en: "a process that does not answer holds {dir}", zh: "一个没有响应的进程正在使用 {dir}" },
	"doctor.store.lockedRemedy": {
		en: "wait for the command that runs there, or find it with lsof {dir}/lock.db",
		zh: "请等待其命令结束，或用 lsof {dir}/lock.db 查找",
	},
	"doctor.backend.ok": { en: "{kind} {location} answers", zh: "{kind} {location} 正常" },
	"doctor.backend.down": { en: "{kind} {location} is not available: {error}", zh: "{kind} {location} 不可用：{error}" },
	"doctor.backend.downRemedy": { en: "see the checks of its folder above", zh: "请见上文对其文件夹的检查" },
	"doctor.catalog.ok": { en: "every entry of {place} could be read", zh: "{place} 的条目均可读取" },
	"doctor.catalog.failed": { en: "{place} ({location}) could not be read: {error}", zh: "{place}（{location}）无法读取：{error}" },
	"doctor.catalog.failedRemedy": { en: "see the checks of its folder above", zh: "请见上文对其文件夹的检查" },
	"doctor.catalog.broken": {
		en: "{count} entries of {place} have metadata that cannot be read; they are listed by their data files",
		zh: "{place} 有 {count} 个条目的元数据无法读取，已按数据文件列出",
	},
	"doctor.catalog.brokenRemedy": {
		en: "have their writer write them again, or let a cleanup remove them",
		zh: "请让写入程序重新写入，或通过清理删除",
	},

	"doctor.port.ok": { en: "{host}:{port} is free", zh: "{host}:{port} 可用" },
	"doctor.port.any": { en: "the server takes any free port", zh: "服务器将使用任意空闲端口" },
	"doctor.port.ours": { en: "the running server listens at {url}", zh: "运行中的服务器监听 {url}" },
	"doctor.port.inUse": { en: "another program listens on {host}:{port}", zh: "其他程序占用了 {host}:{port}" },
	"doctor.port.inUseRemedy": {
		en: "stop it, or set PORT to another port, or to 0 for a free one",
		zh: "请停止该程序，或将 PORT 设为其他端口，或设为 0 自动选择",
	},
	"doctor.port.forbidden": { en: "this user may not listen on port {port}", zh: "当前用户不能监听端口 {port}" },
	"doctor.port.forbiddenRemedy": { en: "set PORT to 1024 or more", zh: "请将 PORT 设为 1024 或以上" },
	"doctor.port.noAddress": { en: "{host} is no address of this machine ({code})", zh: "{host} 不是本机地址（{code}）" },
	"doctor.port.noAddressRemedy": { en: "correct HOST", zh: "请更正 HOST" },
} as const;
