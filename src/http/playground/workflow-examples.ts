import { type Example, example } from "./example.js";

/** Of loading, syncs and model configurations. */
export const WORKFLOW_EXAMPLES: readonly Example[] = [
	example(
		"query",
		"What lies in quarantine and can be brought back",
		"隔离区中可恢复的内容",
		`
query Quarantine {
	quarantine { jobId entries bytes since until }
}
`,
	),
	example(
		"mutation",
		"Undo a cleanup that kept its files in quarantine (OPERATOR)",
		"撤销一次已隔离文件的清理（OPERATOR）",
		`
mutation Restore($id: ID!) {
	restoreJob(id: $id, wait: true) {
		job { id status progress { loadedEntries loadedBytes failedEntries } failures(first: 5) { nodes { id code message } } }
	}
}
`,
		{ id: "j…" },
	),
	example(
		"mutation",
		"Load expired entries again (OPERATOR)",
		"重新加载已过期的条目（OPERATOR）",
		`
mutation Refresh($input: RefreshInput!) {
	refresh(input: $input) {
		job { id status progress { percent matchedEntries loadedEntries loadedBytes failedEntries skippedEntries } error { code message } }
	}
}
`,
		{ input: { types: ["stock_data"], expiredOnly: true, wait: true } },
	),
	example(
		"mutation",
		"Load entries before anyone asks for them (OPERATOR)",
		"预热：提前加载条目（OPERATOR）",
		`
mutation WarmUp($input: WarmUpInput!) {
	warmUp(input: $input) {
		job { id status progress { loadedEntries failedEntries } failures(first: 5) { nodes { id code message } } }
	}
}
`,
		{ input: { loader: "quotes", symbols: ["AAPL", "600519"], wait: true } },
	),
	example(
		"mutation",
		"Sync a data source, then clear what depends on it (OPERATOR)",
		"同步数据源，然后清理依赖它的条目（OPERATOR）",
		`
mutation Sync($input: SyncDataSourceInput!) {
	syncDataSource(input: $input) {
		job { id status progress { deletedEntries steps { name status durationMs error } } error { code message } }
	}
}
`,
		{ input: { source: "exchange", symbols: ["AAPL"], wait: true } },
	),
	example(
		"mutation",
		"Report a sync that ran elsewhere (OPERATOR)",
		"报告在外部完成的同步（OPERATOR）",
		`
mutation ReportSync($input: ReportSyncInput!) {
	reportDataSourceSync(input: $input) {
		job { id status progress { deletedEntries steps { name status error } } error { code message } }
	}
}
`,
		{ input: { source: "nightly-import", success: true, types: ["fundamentals"], records: 5000 } },
	),
	example(
		"query",
		"The model configuration in force",
		"当前生效的模型配置",
		`
query ModelConfig {
	modelConfig { version updatedAt updatedBy models { name provider capabilityLevel roles features enabled } }
}
`,
	),
	example(
		"query",
		"What a model can do; an aggregator's name works too",
		"查询模型能力，也可用聚合平台的名称",
		`
query ModelCapability($model: String!) {
	modelCapability(model: $model) { name provider capabilityLevel roles features enabled }
}
`,
		{ model: "openai/gpt-4" },
	),
	example(
		"mutation",
		"Change the model configuration: saved, tested, kept or rolled back (ADMIN)",
		"修改模型配置：保存、测试，然后生效或回滚（ADMIN）",
		`
mutation ChangeModels($input: UpdateModelConfigInput!) {
	updateModelConfig(input: $input) {
		status
		config { version }
		steps { name status durationMs error }
		error { code message }
		job { id status }
	}
}
`,
		{
			input: {
				expectedVersion: 0,
				models: [
					{ name: "gpt-4", provider: "openai", capabilityLevel: 4, roles: ["deep_analysis"], features: ["tool_calling"], enabled: true },
				],
			},
		},
	),
];
