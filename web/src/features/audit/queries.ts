import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../api/client";
import { save } from "../../ui/save";
import { asCsv, asJsonLines } from "./files";
import { type AuditFilter, queryOf } from "./filter";

export type AuditRow = Schema["AuditLogExt"];

export const rowsPerPage = 20;
/** How many rows a file holds at most; whoever wants more has them forwarded. */
export const mostRows = 10_000;
const rowsPerRequest = 100;

function page(q: string | undefined, number: number, size: number, signal?: AbortSignal) {
  return pageOf<AuditRow>(
    api.GET("/api/v2.0/auditlog-exts", {
      params: { query: { q, page: number, page_size: size } },
      ...(signal && { signal }),
    }),
  );
}

export function useAuditLog(filter: AuditFilter, number: number) {
  return useQuery({
    queryKey: ["audit", filter, number],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => page(queryOf(filter), number, rowsPerPage, signal),
  });
}

export type FileKind = "csv" | "jsonl";

/** Fetches all that is filtered, up to the most, and has the browser save it. Returns how much that was. */
export function useAuditFile(filter: AuditFilter) {
  return useMutation({
    mutationFn: async (kind: FileKind) => {
      // What is written meanwhile would move the pages.
      const q = queryOf(filter, new Date().toISOString());
      const rows: AuditRow[] = [];
      for (let number = 1; rows.length < mostRows; number++) {
        const { items } = await page(q, number, rowsPerRequest);
        rows.push(...items);
        if (items.length < rowsPerRequest) break;
      }
      const type = kind === "csv" ? "text/csv" : "application/jsonl";
      const content = kind === "csv" ? asCsv(rows) : asJsonLines(rows);
      const day = new Date().toISOString().slice(0, 10);
      save(new Blob([content], { type }), `audit-${day}.${kind}`);
      return rows.length;
    },
  });
}

/** How far the forwarding of the log is; for administrators. */
export function useForwarding(enabled: boolean) {
  return useQuery({
    queryKey: ["audit", "forwarding"],
    enabled,
    queryFn: ({ signal }) =>
      bodyOf<Schema["AuditForwarding"]>(api.GET("/api/haven/v1/audit/forwarding", { signal })),
  });
}
