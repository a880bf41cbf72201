/** @type {import('jest').Config} */
export default {
	testEnvironment: "node",
	extensionsToTreatAsEsm: [".ts"],
	transform: { "^.+\\.ts$": "@swc/jest" },
	moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
	testMatch: ["<rootDir>/test/**/*.test.ts"],
	testTimeout: process.env.SOAK === "1" ? 3_600_000 : 60_000,
	// They wait for servers, processes and timers a good part of the time.
	maxWorkers: 3,
};
