// A typed client of debrief's HTTP API. Its types are generated from the API document (npm run build).
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type Grade = components["schemas"]["GradeDocument"];
export type Debrief = Client<paths>;

/** A client of one service; `key` where the service has keys. Every path and body is checked against the API document. */
export function debrief(address = "http://127.0.0.1:8000", key?: string): Debrief {
  return createClient<paths>({ baseUrl: address, headers: key ? { Authorization: `Bearer ${key}` } : {} });
}
