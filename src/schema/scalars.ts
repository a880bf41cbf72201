import { GraphQLDateTime, GraphQLJSON, GraphQLSafeInt } from "graphql-scalars";

/** UTC, ISO 8601; resolvers give milliseconds since the epoch. */
export const DateTime = GraphQLDateTime;
export const Json = GraphQLJSON;
/** Up to 2^53 - 1, as a JSON number. */
export const SafeInt = GraphQLSafeInt;
