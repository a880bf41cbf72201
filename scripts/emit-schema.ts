/** Writes schema.graphql, what the server offers. `npm run schema` after every change to src/schema or src/resolvers. */
import { writeFileSync } from "node:fs";
import { lexicographicSortSchema, printSchema } from "graphql";
import { buildApiSchema } from "../src/schema/build.js";

const target = new URL("../schema.graphql", import.meta.url);
writeFileSync(target, `${printSchema(lexicographicSortSchema(buildApiSchema()))}\n`);
