/** What the audit log on MongoDB says. */
export const AUDIT_MESSAGES = {
	"cli.audit.exampleExport": { en: "everything since then, for a spreadsheet", zh: "导出该日期之后的全部记录，供电子表格使用" },
	"cli.export.about": {
		en: "write the audit log, or what the filters leave of it, as CSV or JSON lines",
		zh: "将审计日志（可筛选）导出为 CSV 或 JSON 行",
	},
	"cli.export.format": { en: "csv or jsonl; csv by default", zh: "csv 或 jsonl；默认 csv" },
	"cli.export.output": { en: "a new file; standard output by default", zh: "新文件的路径；默认输出到标准输出" },
	"audit.unreachable": {
		en: "The audit log's MongoDB does not answer; operations are recorded in the local spool meanwhile, and reading works again when it does",
		zh: "审计日志所在的 MongoDB 没有响应；期间操作记录在本地暂存文件中，恢复后即可读取",
	},
	"audit.otherSecret": {
		en: "Another process writes this audit log with another AUDIT_SECRET; set the same AUDIT_SECRET in every process that writes it",
		zh: "另一个进程使用不同的 AUDIT_SECRET 写入此审计日志；请在所有写入进程中设置相同的 AUDIT_SECRET",
	},
	"doctor.audit.ok": {
		en: "the audit log's MongoDB {version} answers at {location}",
		zh: "审计日志所在的 MongoDB {version} 响应正常：{location}",
	},
	"doctor.audit.down": {
		en: "the audit log's MongoDB at {location} cannot be reached ({reason}); operations wait in the local spool, and the log cannot be read",
		zh: "无法连接审计日志所在的 MongoDB：{location}（{reason}）；操作记录在本地暂存文件中，日志暂不可读",
	},
	"doctor.audit.downRemedy": {
		en: "start MongoDB, or correct host and port in AUDIT_MONGODB_URI; a firewall may also be in between",
		zh: "请启动 MongoDB，或更正 AUDIT_MONGODB_URI 中的主机和端口；也可能被防火墙阻断",
	},
	"doctor.audit.late": {
		en: "the audit log's MongoDB at {location} did not answer in time",
		zh: "审计日志所在的 MongoDB {location} 未及时响应",
	},
	"doctor.audit.login": {
		en: "the audit log's MongoDB at {location} refuses the user or password of AUDIT_MONGODB_URI",
		zh: "审计日志所在的 MongoDB {location} 拒绝了 AUDIT_MONGODB_URI 中的用户或密码",
	},
	"doctor.audit.loginRemedy": {
		en: "correct user and password in AUDIT_MONGODB_URI (special characters as %40 and the like), and name the users' database, for example ?authSource=admin",
		zh: "请更正 AUDIT_MONGODB_URI 中的用户和密码（特殊字符写成 %40 等），并指定用户所在的数据库，例如 ?authSource=admin",
	},
	"doctor.audit.rights": {
		en: "the user of AUDIT_MONGODB_URI may not write the audit log at {location}",
		zh: "AUDIT_MONGODB_URI 中的用户无权在 {location} 写入审计日志",
	},
	"doctor.audit.rightsRemedy": {
		en: "grant it readWrite: db.grantRolesToUser(user, [{ role: 'readWrite', db: '{database}' }])",
		zh: "请授予 readWrite：db.grantRolesToUser(用户, [{ role: 'readWrite', db: '{database}' }])",
	},
	"doctor.audit.changes": {
		en: "the audit log's MongoDB at {location} is not a replica set: the log works, and is live by polling only",
		zh: "审计日志所在的 MongoDB {location} 不是副本集：日志可用，但只能通过轮询实时更新",
	},
	"doctor.audit.spool": {
		en: "{bytes} bytes of operations wait in {file} for the audit log's MongoDB",
		zh: "{file} 中有 {bytes} 字节的操作记录等待写入审计日志所在的 MongoDB",
	},
	"doctor.audit.spoolRemedy": {
		en: "they go there by themselves while a process with this data folder runs and MongoDB answers",
		zh: "只要使用此数据目录的进程在运行且 MongoDB 可用，它们会自动写入",
	},
	"doctor.audit.refused": {
		en: "MongoDB refused entries of the audit log for good; they are kept in {file}, each with the reason",
		zh: "MongoDB 永久拒绝了部分审计记录；它们连同原因保存在 {file} 中",
	},
	"doctor.audit.refusedRemedy": {
		en: "look for a validator on operation_logs that does not allow the documents, mend it, and keep the file for your records",
		zh: "请检查 operation_logs 上是否有不允许这些文档的校验规则并修正，同时保留该文件备查",
	},
	"audit.problem.lostEntry": {
		en: "Entry {sequence} was removed; its seal is still there",
		zh: "第 {sequence} 条记录已被删除，但其封印仍在",
	},
	"audit.problem.unsealed": {
		en: "Entry {id} is not part of the chain: it has no seal",
		zh: "记录 {id} 不在哈希链中：没有封印",
	},
	"audit.problem.otherSeal": {
		en: "What the seal of entry {sequence} says of it was changed",
		zh: "第 {sequence} 条记录的封印内容被修改",
	},
} as const;
