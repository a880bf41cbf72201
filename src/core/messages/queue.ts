/** The queue on Redis: its settings, and what can be wrong with its server. */
export const QUEUE_MESSAGES = {
	"config.expected.queuePrefix": {
		en: "must be letters, digits, dots, dashes and underscores",
		zh: "只能包含字母、数字、点、连字符和下划线",
	},
	"queue.workerNeedsMongodb": {
		en: "a worker shares audit log, progress and plans with the servers in MongoDB: set MONGODB_URI (or AUDIT_MONGODB_URI), or let serve work alone",
		zh: "worker 通过 MongoDB 与服务器共享审计日志、进度和计划：请设置 MONGODB_URI（或 AUDIT_MONGODB_URI），或仅使用 serve",
	},
	"queue.workerNeedsRedis": {
		en: "a worker takes its work from a queue on Redis: set REDIS_URL or QUEUE_REDIS_URL, or let serve work alone",
		zh: "worker 从 Redis 队列获取任务：请设置 REDIS_URL 或 QUEUE_REDIS_URL，或仅使用 serve",
	},
	"queue.boardReadOnly": {
		en: "the board is to look at only; cancel and retry jobs with cancelJob and retryJob",
		zh: "该页面只读；请使用 cancelJob 和 retryJob 取消或重试任务",
	},
	"queue.workerStuck": {
		en: "parts of jobs wait and none ends here any more, although the queue's Redis answers; start this worker again",
		zh: "任务分片在等待，但本进程不再完成任何分片，尽管队列的 Redis 有响应；请重启该 worker",
	},
	"cli.worker.about": {
		en: "remove entries of large jobs that servers share out; as many as wanted",
		zh: "执行服务器分发的大型任务的删除分片；可启动任意多个",
	},
	"cli.worker.working": { en: "working on parts of jobs: {places}", zh: "正在处理任务分片：{places}" },
	"cli.worker.example": { en: "beside a server, with the same settings", zh: "与服务器一起运行，使用相同的设置" },
	"cli.serve.noWorker": {
		en: "leave removing entries to worker processes",
		zh: "由 worker 进程删除条目",
	},
	"queue.evicts": {
		en: "The queue's Redis at {location} has the eviction policy {policy}, under which jobs are lost: set maxmemory-policy to noeviction, give the queue a server of its own with QUEUE_REDIS_URL, or queue in the process with queue.engine: embedded",
		zh: "任务队列使用的 Redis（{location}）的淘汰策略为 {policy}，会丢失任务：请将 maxmemory-policy 设为 noeviction，用 QUEUE_REDIS_URL 为队列指定单独的服务器，或用 queue.engine: embedded 在进程内排队",
	},
	"queue.tooOld": {
		en: "The queue's Redis at {location} is version {version}; the queue needs 6.2 or newer",
		zh: "任务队列使用的 Redis（{location}）版本为 {version}，需要 6.2 或更高版本",
	},
	"queue.ownedByAnother": {
		en: "Another server works on the queue at {location} and keeps its jobs elsewhere, so that each would drop the other's. Give both the same MONGODB_URI (or AUDIT_MONGODB_URI), or this one a queue of its own: queue.enginePrefix and queue.prefix, or QUEUE_REDIS_URL",
		zh: "另一台服务器正在使用位于 {location} 的任务队列，且其任务记录保存在别处，双方会丢弃对方的任务。请为两者设置相同的 MONGODB_URI（或 AUDIT_MONGODB_URI），或为本服务器设置独立的队列：queue.enginePrefix 和 queue.prefix，或 QUEUE_REDIS_URL",
	},
	"queue.full": {
		en: "The queue's Redis has no memory left; try again when jobs have ended, or give it more",
		zh: "任务队列使用的 Redis 内存已满；请稍后再试，或增加其内存",
	},
} as const;
