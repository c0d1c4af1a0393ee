import type { Entry } from "./queries";

const head = ["time", "user", "operation", "type", "resource", "result", "address", "request"];

/** A cell: quoted where it must be, and no formula, which spreadsheets would carry out. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Entries of the log as a table that spreadsheets read. */
export function csvOf(entries: Entry[]): string {
  const rows = entries.map((entry) => [
    entry.op_time ?? "",
    entry.username ?? "",
    entry.operation ?? "",
    entry.resource_type ?? "",
    entry.resource ?? "",
    entry.operation_result ? "success" : "failure",
    entry.client_ip ?? "",
    entry.request_id ?? "",
  ]);
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}
