import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { api, pageOf, type Schema } from "../../api/client";
import type { LogSearch } from "../../routes/people";
import { saveText } from "../../ui/save";
import { csvOf } from "./csv";
import { conditionsOf } from "./filter";

export type Entry = Schema["AuditLogExt"];

export const entriesPerPage = 50;

/** The most that a file holds. */
export const mostInFile = 5000;

function pageOfLog(project: string, search: LogSearch, size: number, signal?: AbortSignal) {
  const q = conditionsOf(search);
  return pageOf<Entry>(
    api.GET("/api/v2.0/projects/{project_name}/auditlog-exts", {
      params: {
        path: { project_name: project },
        query: { page: search.page ?? 1, page_size: size, sort: "-op_time", ...(q && { q }) },
      },
      ...(signal && { signal }),
    }),
  );
}

export function useLog(project: string, search: LogSearch) {
  return useQuery({
    queryKey: ["log", project, search],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => pageOfLog(project, search, entriesPerPage, signal),
  });
}

/** Has the browser save what the filter lets through, on all pages, the newest first. */
export function useExport(project: string) {
  return useMutation({
    mutationFn: async (search: LogSearch) => {
      const size = 100;
      const all: Entry[] = [];
      for (let page = 1; all.length < mostInFile; page++) {
        const { items, total } = await pageOfLog(project, { ...search, page }, size);
        all.push(...items);
        if (items.length < size || all.length >= total) break;
      }
      saveText(csvOf(all), `${project}-log.csv`, "text/csv");
    },
  });
}
