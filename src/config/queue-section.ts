/** Settings of the queue of jobs, and of the workers on it. */
import { z } from "zod";
import { parseRedisUrl } from "./redis.js";
import { choice, expect, integer, optional, section, setting, text, yesOrNo } from "./setting.js";

const QUEUE_ENGINES = ["auto", "embedded"] as const;

export const queueSection = section({
	engine: choice(QUEUE_ENGINES, {
		default: "auto",
		env: "QUEUE_ENGINE",
		doc: {
			en: "auto: on Redis where there is an address, else in the process; embedded: always in the process.",
			zh: "auto：有 Redis 地址时使用 Redis，否则在进程内；embedded：始终在进程内。",
		},
	}),
	url: optional(
		text.refine((value) => parseRedisUrl(value) !== null),
		{
			env: "QUEUE_REDIS_URL",
			secret: true,
			expected: expect("config.expected.redisUrl"),
			doc: {
				en: "The queue's Redis, when it is not the cache's: a server that evicts must not hold the queue.",
				zh: "任务队列使用的 Redis（与缓存不同时）；会淘汰键的服务器不能存放队列。",
			},
		},
	),
	prefix: setting(z.string().regex(/^[A-Za-z0-9_.:-]{0,64}$/), {
		default: "",
		expected: expect("config.expected.queuePrefix"),
		doc: {
			en: "Before the keys that other programs read (user:…, global:pending, task:…, batch:…); empty by default.",
			zh: "供其他程序读取的键（user:…、global:pending、task:…、batch:…）的前缀；默认为空。",
		},
	}),
	enginePrefix: setting(z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/), {
		default: "bull",
		expected: expect("config.expected.queuePrefix"),
		doc: { en: "Before the queue engine's own keys.", zh: "队列引擎自身的键的前缀。" },
	}),
	worker: yesOrNo({
		default: true,
		env: "QUEUE_WORKER",
		doc: {
			en: "The server removes entries itself; without it, only `cachewarden worker` processes do.",
			zh: "服务器自身也删除条目；关闭后仅由 `cachewarden worker` 进程删除。",
		},
	}),
	sharedRoots: yesOrNo({
		default: false,
		env: "QUEUE_SHARED_ROOTS",
		doc: {
			en: "Roots of the same name are the same folders for every server and worker, as on a shared volume; without it only processes of the same host remove each other's files.",
			zh: "所有服务器和 worker 中同名的根目录是同一文件夹（如共享卷）；否则只有同一主机上的进程才会互相删除文件。",
		},
	}),
	lockSeconds: integer(2, 600, {
		default: 10,
		doc: {
			en: "After this long without a sign of life a process is taken for dead and its jobs go to another.",
			zh: "进程在该秒数内无响应即视为已终止，其任务交给其他进程。",
		},
	}),
	stuckSeconds: integer(2, 3600, {
		default: 60,
		doc: {
			en: "A worker where parts of jobs wait and none is begun or ended for so long, although the queue's server answers, ends with exit code 1, to be started again.",
			zh: "若任务分片在等待，而 worker 在该秒数内没有开始或完成任何分片（队列服务器有响应），则以退出码 1 结束，以便重新启动。",
		},
	}),
});
