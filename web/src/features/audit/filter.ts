/** What of the audit log is shown. Empty fields let everything through. */
export interface AuditFilter {
  user: string;
  operation: string;
  type: string;
  resource: string;
  /** "true" or "false". */
  result: string;
  /** Times as a field of the browser gives them, in its zone: `2026-11-30T08:00`. */
  from: string;
  to: string;
}

/** A value where comma and brackets would have a meaning. */
function plain(text: string): string {
  return encodeURIComponent(text.replaceAll(",", " ").trim());
}

function moment(text: string): string {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}

/** The API's `q` for a filter; `until` is the end where the filter has none. */
export function queryOf(filter: AuditFilter, until = ""): string | undefined {
  const from = moment(filter.from);
  const to = moment(filter.to) || until;
  const conditions = [
    filter.user.trim() && `username=~${plain(filter.user)}`,
    filter.operation && `operation=${filter.operation}`,
    filter.type && `resource_type=${filter.type}`,
    filter.resource.trim() && `resource=~${plain(filter.resource)}`,
    filter.result && `op_result=${filter.result}`,
    (from || to) && `op_time=[${from}~${to}]`,
  ];
  return conditions.filter(Boolean).join(",") || undefined;
}
