import { useMutation, useQuery } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../api/client";
import { useRenew } from "../../api/renew";
import { isUnderWay } from "../../ui/Status";

export type Run = Schema["RetentionExecution"];
export type Task = Schema["RetentionExecutionTask"];

export const runsPerPage = 10;
const beat = 1500;

/** The runs of a policy, newest first; looked at again while one goes on. */
export function useRuns(policy: number, page: number, size = runsPerPage) {
  return useQuery({
    queryKey: ["retention", "runs", policy, { page, size }],
    enabled: policy > 0,
    queryFn: ({ signal }) =>
      pageOf<Run>(
        api.GET("/api/v2.0/retentions/{id}/executions", {
          params: { path: { id: policy }, query: { page, page_size: size } },
          signal,
        }),
      ),
    refetchInterval: (query) =>
      query.state.data?.items.some((run) => isUnderWay(run.status)) ? beat : false,
  });
}

/** One run, of the last hundred. */
export function useRun(policy: number, id: number) {
  const runs = useRuns(policy, 1, 100);
  return { ...runs, run: runs.data?.items.find((run) => run.id === id) };
}

export const tasksPerPage = 50;

/** What a run did, by repository. */
export function useTasks(policy: number, run: number, page: number, underWay: boolean) {
  return useQuery({
    queryKey: ["retention", "tasks", policy, run, { page, underWay }],
    enabled: policy > 0,
    queryFn: ({ signal }) =>
      pageOf<Task>(
        api.GET("/api/v2.0/retentions/{id}/executions/{eid}/tasks", {
          params: {
            path: { id: policy, eid: run },
            query: { page, page_size: tasksPerPage },
          },
          signal,
        }),
      ),
    placeholderData: (before) => before,
    refetchInterval: underWay ? beat : false,
  });
}

/** What became of the artifacts of a repository, as the log of its task tells. */
export function useTaskLog(policy: number, run: number, task: number, underWay: boolean) {
  return useQuery({
    queryKey: ["retention", "log", policy, run, task, underWay],
    refetchInterval: underWay ? beat : false,
    queryFn: ({ signal }) =>
      bodyOf<string>(
        api.GET("/api/v2.0/retentions/{id}/executions/{eid}/tasks/{tid}", {
          params: { path: { id: policy, eid: run, tid: task } },
          parseAs: "text",
          signal,
        }),
      ),
  });
}

function useChange<T, R>(change: (given: T) => Promise<R>) {
  return useMutation({ mutationFn: change, onSettled: useRenew("retention") });
}

/** Carries a policy out, or tells what that would do; for the number of the run. */
export function useStartRun(policy: number) {
  return useChange(async (dry: boolean) => {
    const answer = await api.POST("/api/v2.0/retentions/{id}/executions", {
      params: { path: { id: policy } },
      body: { dry_run: dry },
    });
    await bodyOf(Promise.resolve(answer));
    return Number(answer.response.headers.get("Location")?.split("/").pop());
  });
}

export function useStopRun(policy: number) {
  return useChange((run: number) =>
    bodyOf(
      api.PATCH("/api/v2.0/retentions/{id}/executions/{eid}", {
        params: { path: { id: policy, eid: run } },
        body: { action: "stop" },
      }),
    ),
  );
}
