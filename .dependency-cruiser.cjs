/**
 * Directions of imports: core ← ports ← operations ← workflows ← (resolvers, http, cli). Adapters know their port, core,
 * configuration, the layouts and the embedded store, and no other adapter. `app.ts` alone sees all.
 */
const PORTS =
	"^src/(backends/(backend|entry-source|quarantine|writer)|(audit|catalog|coordination|history|jobs|live|loaders|models|plans|schedules|sources)/port)\\.ts$";
const CORE = "^src/core/";
const CONFIG = "^src/config/";
const LAYOUTS = "^src/backends/layouts/";
const STORE = "^src/store/";
/** Connection, change stream and group commit, for every adapter on MongoDB. */
const MONGODB = "^src/mongodb/";
/** The engine that the adapters of files share. */
const DISK = "^src/backends/disk/";
/** Calls to addresses that an administrator configured. */
const OUTBOUND = "^src/outbound/";
const ADAPTERS =
	"^src/(backends/(file|python|redis|mongodb)|audit|catalog|coordination|history|jobs|live|loaders|models|plans|schedules|sources)/(?!port\\.ts)";

/** Files of `from` may import from `to` and from their own folder; everything else of src is forbidden. */
function only(name, from, to, comment) {
	return {
		name,
		comment,
		severity: "error",
		from: { path: from },
		to: { path: "^src/", pathNot: to },
	};
}

module.exports = {
	forbidden: [
		{ name: "no-cycles", severity: "error", comment: "Two files that need each other are one.", from: {}, to: { circular: true } },
		only("core-is-pure", CORE, [CORE], "Core imports nothing from above."),
		only("config-knows-core", CONFIG, [CONFIG, CORE], "Configuration is read before anything else is there."),
		only("ports-know-core", PORTS, [PORTS, CORE, "^src/config/config\\.ts$"], "A port says what, in the words of core."),
		only("layouts-know-core", LAYOUTS, [LAYOUTS, CORE, "^src/config/config\\.ts$"], "Knowledge of formats, as pure functions."),
		only("mongodb-knows-core", MONGODB, [MONGODB, CORE, CONFIG], "The way to MongoDB knows nothing of what is kept there."),
		only("store-knows-core", STORE, [STORE, CORE, CONFIG], "The embedded store knows nothing of what is kept in it."),
		only(
			"adapters-know-their-port",
			ADAPTERS,
			[PORTS, CORE, CONFIG, LAYOUTS, STORE, MONGODB, DISK, OUTBOUND, "^src/$1/"],
			"An adapter does not know another.",
		),
		only("disk-knows-layouts", DISK, [DISK, PORTS, CORE, LAYOUTS], "Files by descriptor, whatever they hold."),
		only("outbound-knows-core", OUTBOUND, [OUTBOUND, CORE], "Who may be called, and how; never what for."),
		only("auth-knows-core", "^src/auth/", ["^src/auth/", CORE, CONFIG, STORE], "Tokens to actors, and nothing of what they may do."),
		only("operations-know-ports", "^src/operations/", ["^src/operations/", PORTS, CORE, CONFIG], "An operation works on ports."),
		only("workflows-know-operations", "^src/workflows/", ["^src/(workflows|operations)/", PORTS, CORE, CONFIG], "Operations in steps."),
		only(
			"graphql-knows-operations",
			"^src/(schema|resolvers)/",
			["^src/(schema|resolvers|operations|workflows)/", PORTS, CORE, CONFIG],
			"Decode, call one operation, encode.",
		),
		only(
			"http-knows-operations",
			"^src/http/",
			["^src/(http|schema|resolvers|operations|workflows|auth)/", "^src/client/session\\.ts$", PORTS, CORE, CONFIG],
			"Transport: it translates, and decides nothing. A session in this process looks like one over the network.",
		),
		only("client-stands-alone", "^src/client/", ["^src/client/"], "It runs in browsers, without any of the server."),
		only(
			"cli-knows-the-client",
			"^src/cli/",
			["^src/(cli|client|auth)/", PORTS, CORE, CONFIG, STORE],
			"Commands speak GraphQL; what they are given from the server comes through host.ts.",
		),
		{
			name: "app-is-the-root",
			comment: "Only the binary starts the composition root.",
			severity: "error",
			from: { path: "^src/", pathNot: "^src/main\\.ts$" },
			to: { path: "^src/app\\.ts$" },
		},
		{
			name: "composition-is-of-the-root",
			comment: "Its parts are only put together there.",
			severity: "error",
			from: { path: "^src/", pathNot: "^src/(app\\.ts|composition/)" },
			to: { path: "^src/composition/" },
		},
		{
			name: "source-without-tests",
			comment: "The program does not need its tests, benches or scripts.",
			severity: "error",
			from: { path: "^src/" },
			to: { path: "^(test|bench|scripts)/" },
		},
		{
			name: "no-missing-modules",
			comment: "What cannot be found cannot be checked.",
			severity: "error",
			from: { path: "^src/", pathNot: "^src/client/generated/" },
			to: { couldNotResolve: true },
		},
		{
			name: "no-development-packages",
			comment: "They are not there in production.",
			severity: "error",
			from: { path: "^src/", pathNot: "^src/client/generated/" },
			to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
		},
	],
	options: {
		tsPreCompilationDeps: true,
		tsConfig: { fileName: "tsconfig.json" },
		doNotFollow: { path: "node_modules" },
		enhancedResolveOptions: {
			exportsFields: ["exports"],
			conditionNames: ["import", "node", "default"],
			extensions: [".ts", ".js", ".mjs", ".cjs", ".json"],
		},
	},
};
