import type { AuditRow } from "./queries";

const fields = [
  "op_time",
  "username",
  "operation",
  "resource_type",
  "resource",
  "operation_result",
  "operation_description",
  "client_ip",
  "request_id",
  "id",
] as const satisfies (keyof AuditRow)[];

/** A cell of a CSV. What a spreadsheet would take for a formula gets an apostrophe: names are chosen by others. */
function cell(value: unknown): string {
  const text = String(value ?? "");
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Rows as a table for spreadsheets (RFC 4180). */
export function asCsv(rows: AuditRow[]): string {
  const lines = rows.map((row) => fields.map((field) => cell(row[field])).join(","));
  return `${[fields.join(","), ...lines].join("\r\n")}\r\n`;
}

/** Rows as one JSON object a line. */
export function asJsonLines(rows: AuditRow[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}
