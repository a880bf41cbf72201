/** Of quarantine and restoring. */
export const QUARANTINE_MESSAGES = {
	"error.quarantine.otherDevice": {
		en: "{path} lies on another device than its root, so it cannot be moved into quarantine in one step; it was left alone",
		zh: "{path} 与其根目录不在同一设备上，无法一步移入隔离区，已保留",
	},
	"error.quarantine.occupied": {
		en: "the quarantine of this job holds {path} already; restore it or wait until it is let go",
		zh: "该任务的隔离区中已有 {path}；请先恢复，或等待其被释放",
	},
	"error.quarantine.full": {
		en: "the quarantine takes {max} bytes; what is beyond stays in the cache. Raise quarantine.maxBytes, or clean up without quarantine",
		zh: "隔离区最多容纳 {max} 字节，超出的条目保留在缓存中；请提高 quarantine.maxBytes，或不使用隔离进行清理",
	},
	"error.quarantine.newer": {
		en: "something newer stands in its place; it stays in quarantine until its time is up",
		zh: "原位置已有较新的条目；隔离区中的旧条目保留至到期",
	},
	"error.quarantine.empty": {
		en: "nothing of job {id} is in quarantine: it ran without, was restored, or has been let go",
		zh: "任务 {id} 在隔离区中没有条目：可能未使用隔离、已恢复或已被释放",
	},
	"error.quarantine.running": {
		en: "job {id} still waits or runs; cancel it or wait for its end, then restore",
		zh: "任务 {id} 仍在等待或运行；请先取消或等待其结束，再进行恢复",
	},
	"quarantine.reason.notAsked": {
		en: "removed for good: the cleanup does not ask for quarantine",
		zh: "将被永久删除：该清理未使用隔离",
	},
	"quarantine.reason.otherLayer": {
		en: "removed for good: only files can be quarantined",
		zh: "将被永久删除：只有文件可以隔离",
	},
	"quarantine.reason.tooLarge": {
		en: "stays in the cache: the quarantine takes {max} bytes",
		zh: "保留在缓存中：隔离区最多容纳 {max} 字节",
	},
	"cli.option.quarantine": {
		en: "keep files for a while, so that restore can bring them back",
		zh: "将文件保留在隔离区，之后可用 restore 恢复",
	},
	"cli.option.noQuarantine": { en: "remove for good, whatever the settings say", zh: "永久删除，不论设置如何" },
	"cli.cleanup.exampleQuarantine": { en: "so that it can be undone", zh: "可以撤销的清理" },
	"cli.restore.about": { en: "bring back what a cleanup or clear has in quarantine", zh: "恢复清理或清空操作隔离的文件" },
	"cli.restore.id": { en: "the job to undo; without it, what can be restored is listed", zh: "要撤销的任务；省略则列出可恢复的任务" },
	"cli.restore.exampleList": { en: "what can be restored, and until when", zh: "可恢复的内容及期限" },
	"cli.restore.example": { en: "undo one cleanup", zh: "撤销一次清理" },
	"cli.restore.nothing": { en: "nothing is in quarantine", zh: "隔离区为空" },
	"cli.column.until": { en: "UNTIL", zh: "保留至" },
	"cli.preview.unrestorable": {
		en: "Cannot be restored: {layer}, {entries} entries, {bytes}: {reason}",
		zh: "无法恢复：{layer}，{entries} 个条目，{bytes}：{reason}",
	},
	"cli.job.restored": {
		en: "{loaded} restored, {bytes}, {skipped} left alone, {failed} failed",
		zh: "已恢复 {loaded} 个，{bytes}，保留 {skipped} 个，失败 {failed} 个",
	},
	"cli.job.quarantined": {
		en: "Files of it are in quarantine; cachewarden restore {id} brings them back",
		zh: "其中的文件已移入隔离区；可用 cachewarden restore {id} 恢复",
	},
	"cli.stats.quarantine": { en: "{entries} more in quarantine, {bytes}", zh: "隔离区中另有 {entries} 个条目，{bytes}" },
} as const;
