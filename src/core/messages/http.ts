export const HTTP_MESSAGES = {
	"http.keyServerAway": {
		en: "The key server did not answer, so no token can be checked; try again later",
		zh: "密钥服务器没有响应，暂时无法校验令牌，请稍后再试",
	},
	"http.tooDeep": { en: "The query nests deeper than {limit}", zh: "查询嵌套超过 {limit} 层" },
	"http.tooManyAliases": { en: "The query has more than {limit} aliases", zh: "查询的别名超过 {limit} 个" },
	"http.tooManyTokens": { en: "The query has more than {limit} tokens", zh: "查询的词法单元超过 {limit} 个" },
	"http.tooCostly": {
		en: "The query costs {cost}, more than {limit}; ask for smaller pages",
		zh: "查询复杂度 {cost} 超过 {limit}，请减小分页",
	},
	"http.noIntrospection": {
		en: "Introspection is for administrators and for callers on the server's own machine",
		zh: "只有管理员或服务器本机的调用者可以查看模式",
	},
	"http.tooManySubscriptions": {
		en: "This connection already runs {limit} operations; end one first",
		zh: "此连接已有 {limit} 个进行中的操作，请先结束其中一个",
	},
	"http.playground.examples": { en: "Examples", zh: "示例" },
	"http.playground.choose": { en: "Choose one …", zh: "请选择……" },
	"http.playground.query": { en: "Queries", zh: "查询" },
	"http.playground.mutation": { en: "Mutations", zh: "变更" },
	"http.playground.subscription": { en: "Subscriptions", zh: "订阅" },
	"http.playground.until": { en: "until", zh: "有效期至" },
	"http.playground.noToken": {
		en: 'No token yet: open the link that the server printed, or put {"Authorization": "Bearer …"} into Headers below (cachewarden token makes one)',
		zh: '还没有令牌：请打开服务器打印的链接，或在下方 Headers 中填写 {"Authorization": "Bearer …"}（可用 cachewarden token 生成）',
	},
	"http.playground.badToken": {
		en: "The server does not accept this token; it may have ended (cachewarden token makes a new one)",
		zh: "服务器不接受该令牌，可能已过期（可用 cachewarden token 重新生成）",
	},
	"http.notFound": { en: "There is nothing at {path}", zh: "{path} 不存在" },
} as const;
