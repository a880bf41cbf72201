/** What the REST facade says; the Chinese texts are those that clients of the original system know. */
export const REST_MESSAGES = {
	"rest.stats": { en: "Cache statistics read", zh: "获取缓存统计成功" },
	"rest.cleanedUp": { en: "Cache entries older than {days} days were removed", zh: "已清理 {days} 天前的缓存" },
	"rest.cleared": { en: "The whole cache was cleared", zh: "所有缓存已清空" },
	"rest.details": { en: "Cache details read", zh: "获取缓存详情成功" },
	"rest.backendInfo": { en: "Cache backend information read", zh: "获取缓存后端信息成功" },
	"rest.job": { en: "Job read", zh: "获取任务成功" },
	"rest.refresh": { en: "The refresh was accepted", zh: "刷新任务已接受" },
	"rest.warmUp": { en: "The warm-up was accepted", zh: "预热任务已接受" },
	"rest.badBody": { en: "The body must be a JSON object", zh: "请求体必须是 JSON 对象" },
	"rest.stillRunning": { en: "The job is still running", zh: "任务仍在执行" },
	"rest.wrongMethod": { en: "{path} takes {allowed}, not {method}", zh: "{path} 只支持 {allowed}，不支持 {method}" },
	"error.rateLimitedFor": {
		en: "Too many requests; try again in {seconds} s",
		zh: "请求过于频繁，请在 {seconds} 秒后重试",
	},
} as const;
