import { contains } from "../../api/client";
import type { LogSearch } from "../../routes/people";

/** A value of the API's `q` as it is: without what parts conditions. */
function exact(field: string, text: string | undefined): string | undefined {
  const clean = (text ?? "").replaceAll(",", "").trim();
  return clean ? `${field}=${encodeURIComponent(clean)}` : undefined;
}

/** From the beginning of one day to the end of another, each of which may be open. */
function period(from: string | undefined, to: string | undefined): string | undefined {
  if (!from && !to) return undefined;
  return `op_time=[${from ? `${from}T00:00:00` : ""}~${to ? `${to}T23:59:59` : ""}]`;
}

/** What the API is asked for. */
export function conditionsOf(search: LogSearch): string | undefined {
  const conditions = [
    exact("operation", search.operation),
    exact("resource_type", search.type),
    contains("username", search.user ?? ""),
    contains("resource", search.resource ?? ""),
    period(search.from, search.to),
  ].filter(Boolean);
  return conditions.length > 0 ? conditions.join(",") : undefined;
}
