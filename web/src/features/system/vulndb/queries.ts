import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../../api/client";
import { type Plan, scheduleOf } from "../parts/schedule";
import { upload } from "./upload";

export type Database = Schema["VulnerabilityDatabase"];
export type Edition = Schema["VulnerabilityEdition"];
export type Change = Schema["VulnerabilityDatabaseChange"];
export type Allowlist = Schema["CVEAllowlist"];

const database = ["vulndb"];
const scans = ["scan-all"];
const allowlist = ["cve-allowlist"];

export function useDatabase() {
  return useQuery({
    queryKey: database,
    queryFn: ({ signal }) => bodyOf<Database>(api.GET("/api/haven/v1/vulndb", { signal })),
  });
}

/** Asks the sources for a newer edition. */
export function useRefresh() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => bodyOf<Change>(api.POST("/api/haven/v1/vulndb/refresh", {})),
    onSuccess: () => client.invalidateQueries({ queryKey: database }),
  });
}

/** Sends an archive, and tells how much of it has gone, from 0 to 1. */
export function useImport(onProgress: (part: number) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (file: File) => upload<Change>("/api/haven/v1/vulndb/import", file, onProgress),
    onSuccess: () => client.invalidateQueries({ queryKey: database }),
  });
}

/** How far the last scan of everything is; looked at again each two seconds while it goes on. */
export function useScanAll() {
  return useQuery({
    queryKey: [...scans, "metrics"],
    queryFn: ({ signal }) =>
      bodyOf<Schema["Stats"]>(api.GET("/api/v2.0/scans/all/metrics", { signal })),
    refetchInterval: ({ state }) => (state.data?.ongoing ? 2000 : false),
  });
}

export function useScanSchedule() {
  return useQuery({
    queryKey: [...scans, "schedule"],
    queryFn: async ({ signal }) =>
      (await bodyOf<Schema["Schedule"] | undefined>(
        api.GET("/api/v2.0/system/scanAll/schedule", { signal }),
      )) ?? null,
  });
}

export function useScanNow() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      bodyOf(
        api.POST("/api/v2.0/system/scanAll/schedule", { body: { schedule: { type: "Manual" } } }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: scans }),
  });
}

export function useStopScan() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => bodyOf(api.POST("/api/v2.0/system/scanAll/stop", {})),
    onSuccess: () => client.invalidateQueries({ queryKey: scans }),
  });
}

export function usePlanScan() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (plan: Plan) =>
      bodyOf(
        api.PUT("/api/v2.0/system/scanAll/schedule", { body: { schedule: scheduleOf(plan) } }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: scans }),
  });
}

export function useAllowlist() {
  return useQuery({
    queryKey: allowlist,
    queryFn: ({ signal }) =>
      bodyOf<Allowlist>(api.GET("/api/v2.0/system/CVEAllowlist", { signal })),
  });
}

export function useSaveAllowlist() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ names, until }: { names: string[]; until: number | undefined }) =>
      bodyOf(
        api.PUT("/api/v2.0/system/CVEAllowlist", {
          body: {
            items: names.map((cve_id) => ({ cve_id })),
            ...(until !== undefined && { expires_at: until }),
          },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: allowlist }),
  });
}
