import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../../api/client";
import { isUnderWay } from "../../../ui/Status";
import { type Plan, scheduleOf } from "../parts/schedule";

/** A run of something that an administrator has done now or by a schedule. */
export type Run = Schema["GCHistory"];
export type Parameters = Record<string, unknown>;

export const runsPerPage = 10;

/** What there is of it in the API: both kinds of upkeep have the same five operations. */
export interface Upkeep {
  key: string;
  list: (page: number, signal: AbortSignal) => ReturnType<typeof listGC>;
  schedule: (signal: AbortSignal) => Promise<Run | undefined>;
  change: (body: Schema["Schedule"]) => Promise<unknown>;
  stop: (id: number) => Promise<unknown>;
  log: (id: number, signal: AbortSignal) => Promise<string>;
}

function listGC(page: number, signal: AbortSignal) {
  const query = { page, page_size: runsPerPage, sort: "-creation_time" };
  return pageOf<Run>(api.GET("/api/v2.0/system/gc", { params: { query }, signal }));
}

export const garbage: Upkeep = {
  key: "gc",
  list: listGC,
  schedule: (signal) =>
    bodyOf<Run | undefined>(api.GET("/api/v2.0/system/gc/schedule", { signal })),
  change: (body) => bodyOf(api.POST("/api/v2.0/system/gc/schedule", { body })),
  stop: (gc_id) => bodyOf(api.PUT("/api/v2.0/system/gc/{gc_id}", { params: { path: { gc_id } } })),
  log: (gc_id, signal) =>
    bodyOf<string>(
      api.GET("/api/v2.0/system/gc/{gc_id}/log", {
        params: { path: { gc_id } },
        parseAs: "text",
        signal,
      }),
    ),
};

export const purge: Upkeep = {
  key: "purge",
  list: (page, signal) => {
    const query = { page, page_size: runsPerPage, sort: "-creation_time" };
    return pageOf<Run>(api.GET("/api/v2.0/system/purgeaudit", { params: { query }, signal }));
  },
  schedule: (signal) =>
    bodyOf<Run | undefined>(api.GET("/api/v2.0/system/purgeaudit/schedule", { signal })),
  change: (body) => bodyOf(api.POST("/api/v2.0/system/purgeaudit/schedule", { body })),
  stop: (purge_id) =>
    bodyOf(api.PUT("/api/v2.0/system/purgeaudit/{purge_id}", { params: { path: { purge_id } } })),
  log: (purge_id, signal) =>
    bodyOf<string>(
      api.GET("/api/v2.0/system/purgeaudit/{purge_id}/log", {
        params: { path: { purge_id } },
        parseAs: "text",
        signal,
      }),
    ),
};

/** The runs, the newest first; looked at again each two seconds while one goes on. */
export function useRuns(upkeep: Upkeep, page: number) {
  return useQuery({
    queryKey: ["upkeep", upkeep.key, "runs", page],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => upkeep.list(page, signal),
    refetchInterval: ({ state }) =>
      state.data?.items.some((run) => isUnderWay(run.job_status)) ? 2000 : false,
  });
}

export function useUpkeepSchedule(upkeep: Upkeep) {
  return useQuery({
    queryKey: ["upkeep", upkeep.key, "schedule"],
    queryFn: async ({ signal }) => (await upkeep.schedule(signal)) ?? null,
  });
}

/** What a run has to tell, again and again while it goes on. */
export function useRunLog(upkeep: Upkeep, id: number, live: boolean) {
  return useQuery({
    queryKey: ["upkeep", upkeep.key, "log", id, live],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => upkeep.log(id, signal),
    refetchInterval: live ? 2000 : false,
  });
}

/** Begins a run now, where there is no plan; else it is done by that plan. */
export function useUpkeep(upkeep: Upkeep) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ plan, parameters }: { plan?: Plan; parameters: Parameters }) =>
      upkeep.change({ schedule: plan ? scheduleOf(plan) : { type: "Manual" }, parameters }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["upkeep", upkeep.key] }),
  });
}

export function useStopRun(upkeep: Upkeep) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: upkeep.stop,
    onSuccess: () => client.invalidateQueries({ queryKey: ["upkeep", upkeep.key] }),
  });
}

/** The parameters of a run; the API has them as a text of JSON. */
export function parametersOf(run: { job_parameters?: string } | null | undefined): Parameters {
  try {
    const value: unknown = JSON.parse(run?.job_parameters || "{}");
    return typeof value === "object" && value ? (value as Parameters) : {};
  } catch {
    return {};
  }
}
