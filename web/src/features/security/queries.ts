import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../api/client";
import { problemFrom } from "../../api/problem";
import { isUnderWay } from "../../ui/Status";
import { save } from "../../ui/save";
import { type FindingFilter, queryOf } from "./filter";

export type Summary = Schema["SecuritySummary"];
export type Finding = Schema["VulnerabilityItem"];
export type Export = Schema["ScanDataExportExecution"];

export const findingsPerPage = 20;

export function useSummary() {
  return useQuery({
    queryKey: ["security", "summary"],
    queryFn: ({ signal }) =>
      bodyOf<Summary>(
        api.GET("/api/v2.0/security/summary", {
          params: { query: { with_dangerous_cve: true, with_dangerous_artifact: true } },
          signal,
        }),
      ),
  });
}

/** A total of -1 is more than can be counted quickly. */
export function useFindings(filter: FindingFilter, page: number) {
  return useQuery({
    queryKey: ["security", "findings", filter, page],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Finding>(
        api.GET("/api/v2.0/security/vul", {
          params: {
            query: {
              q: queryOf(filter),
              page,
              page_size: findingsPerPage,
              tune_count: true,
              with_tag: true,
            },
          },
          signal,
        }),
      ),
  });
}

/** The caller's exports that were not fetched yet. */
export function useExports() {
  return useQuery({
    queryKey: ["security", "exports"],
    queryFn: async ({ signal }) => {
      const list = await bodyOf<Schema["ScanDataExportExecutionList"]>(
        api.GET("/api/v2.0/export/cve/executions", { signal }),
      );
      return list.items;
    },
    refetchInterval: (query) =>
      query.state.data?.some((each) => isUnderWay(each.status)) ? 2000 : false,
  });
}

export interface NewExport {
  project: number;
  repositories: string;
  tags: string;
  cves: string;
}

const reports = "application/vnd.security.vulnerability.report; version=1.1";

export function useExport() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ project, repositories, tags, cves }: NewExport) =>
      bodyOf(
        api.POST("/api/v2.0/export/cve", {
          params: { header: { "X-Scan-Data-Type": reports } },
          body: { job_name: "findings", projects: [project], repositories, tags, cveIds: cves },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["security", "exports"] }),
  });
}

/** Fetches the file of an export, which is there once, and has the browser save it. */
export function useFetchExport() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (id: number) => {
      const { data, error, response } = await api.GET(
        "/api/v2.0/export/cve/download/{execution_id}",
        { params: { path: { execution_id: id } }, parseAs: "blob" },
      );
      if (!response.ok || !data) throw await problemFrom(response, error);
      save(data as Blob, `findings-${id}.csv`);
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["security", "exports"] }),
  });
}
