/** `docs/errors.md`, made of the table that every way in reads. */
import { ERRORS, type ErrorCode, restStatusOf } from "../src/core/errors.js";
import { say } from "../src/core/messages/catalogue.js";

const HEAD = `# Errors 错误

Made by \`npm run errors\` from the table in \`src/core/errors.ts\`; a test compares the two.

A code means the same over every way in. **GraphQL** (HTTP and WebSocket) carries it as \`extensions.code\` beside
\`extensions.requestId\` and \`extensions.http.status\`; a request that comes to nothing is answered with that status. **REST** carries
it as \`code\` in its envelope, \`X-Request-ID\` in the header; where its status differs, clients of the original system expect so. The
**command line** ends with the exit code and, with \`--json\`, prints \`{"error": {"code", "message"}}\`.

Messages are English or Chinese by \`Accept-Language\` (REST: Chinese by default; command line: by locale). The texts below are the
general ones; an error may say more exactly what was wrong and what to do. Why a layer failed is in the server's log, with the
request id, and never in an answer. \`RATE_LIMITED\` comes with \`Retry-After\` over HTTP and \`extensions.retryAfterSeconds\` over GraphQL.

每个错误代码在所有入口含义相同：GraphQL 的 \`extensions.code\`、REST 的 \`code\`、命令行的退出码。失败原因连同请求 ID 只写入服务器日志，不会出现在应答中。

| code | GraphQL | REST | exit | message | 消息 |
| --- | --- | --- | --- | --- | --- |
`;

export function errorsPage(): string {
	const lines = (Object.keys(ERRORS) as ErrorCode[]).map((code) => {
		const { status, exit, message } = ERRORS[code];
		const text = (locale: "en" | "zh"): string => say(locale, { key: message, facts: {} }).replace(/\{(\w+)\}/g, "…");
		return `| \`${code}\` | ${status} | ${restStatusOf(code)} | ${exit} | ${text("en")} | ${text("zh")} |`;
	});
	return `${HEAD}${lines.join("\n")}\n`;
}
