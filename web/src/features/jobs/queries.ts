import { keepPreviousData, queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../api/client";
import { useRenew } from "../../api/renew";
import { isUnderWay } from "../../ui/Status";

export type Execution = Schema["JobExecution"];
export type Task = Schema["JobTask"];
export type Counts = Schema["JobTaskCounts"];

export const executionsPerPage = 20;
export const tasksPerPage = 20;

/** How often is asked what waits, in milliseconds: such figures change by themselves. */
const often = 5000;

export interface ExecutionFilter {
  kind: string;
  status: string;
  page: number;
}

function executionsQuery({ kind, status, page }: ExecutionFilter) {
  return queryOptions({
    queryKey: ["jobs", "executions", { kind, status, page }],
    queryFn: ({ signal }) => {
      const conditions = [kind && `vendor_type=${kind}`, status && `status=${status}`];
      const q = conditions.filter(Boolean).join(",") || undefined;
      const query = { q, page, page_size: executionsPerPage };
      return pageOf<Execution>(
        api.GET("/api/haven/v1/jobs/executions", { params: { query }, signal }),
      );
    },
    refetchInterval: (query) =>
      query.state.data?.items.some((each) => isUnderWay(each.status)) ? often : false,
  });
}

export function useExecutions(filter: ExecutionFilter) {
  return useQuery({ ...executionsQuery(filter), placeholderData: keepPreviousData });
}

export function executionQuery(id: number) {
  return queryOptions({
    queryKey: ["jobs", "execution", id],
    queryFn: ({ signal }) =>
      bodyOf<Execution>(
        api.GET("/api/haven/v1/jobs/executions/{execution_id}", {
          params: { path: { execution_id: id } },
          signal,
        }),
      ),
  });
}

export function useExecution(id: number) {
  return useQuery(executionQuery(id));
}

export interface TaskFilter {
  status: string;
  page: number;
}

export function tasksQuery(execution: number, { status, page }: TaskFilter) {
  return queryOptions({
    queryKey: ["jobs", "tasks", execution, { status, page }],
    queryFn: ({ signal }) =>
      pageOf<Task>(
        api.GET("/api/haven/v1/jobs/executions/{execution_id}/tasks", {
          params: {
            path: { execution_id: execution },
            query: { q: status ? `status=${status}` : undefined, page, page_size: tasksPerPage },
          },
          signal,
        }),
      ),
  });
}

export function useTasks(execution: number, filter: TaskFilter) {
  return useQuery({ ...tasksQuery(execution, filter), placeholderData: keepPreviousData });
}

export function useQueues() {
  return useQuery({
    queryKey: ["jobs", "queues"],
    refetchInterval: often,
    queryFn: ({ signal }) =>
      bodyOf<Schema["JobQueue"][]>(api.GET("/api/v2.0/jobservice/queues", { signal })),
  });
}

export function usePools() {
  return useQuery({
    queryKey: ["jobs", "pools"],
    refetchInterval: often,
    queryFn: ({ signal }) =>
      bodyOf<Schema["WorkerPool"][]>(api.GET("/api/v2.0/jobservice/pools", { signal })),
  });
}

export function useWorkers() {
  return useQuery({
    queryKey: ["jobs", "workers"],
    refetchInterval: often,
    queryFn: ({ signal }) =>
      bodyOf<Schema["Worker"][]>(
        api.GET("/api/v2.0/jobservice/pools/{pool_id}/workers", {
          params: { path: { pool_id: "all" } },
          signal,
        }),
      ),
  });
}

export function useSchedules(page: number) {
  return useQuery({
    queryKey: ["jobs", "schedules", page],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Schema["ScheduleTask"]>(
        api.GET("/api/v2.0/schedules", { params: { query: { page, page_size: 20 } }, signal }),
      ),
  });
}

export function useClockPaused() {
  return useQuery({
    queryKey: ["jobs", "paused"],
    queryFn: ({ signal }) =>
      bodyOf<Schema["SchedulerStatus"]>(
        api.GET("/api/v2.0/schedules/{job_type}/paused", {
          params: { path: { job_type: "all" } },
          signal,
        }),
      ),
    select: (status) => status.paused,
  });
}

/** A change of work, after which all that is shown of work is asked for anew. */
function useChange<T>(change: (of: T) => Promise<unknown>) {
  return useMutation({ mutationFn: change, onSettled: useRenew("jobs", "replication") });
}

const ofExecution = (id: number) => ({ params: { path: { execution_id: id } } });
const ofTask = (id: number) => ({ params: { path: { task_id: id } } });

export const useStopExecution = () =>
  useChange((id: number) =>
    bodyOf(api.POST("/api/haven/v1/jobs/executions/{execution_id}/stop", ofExecution(id))),
  );

export const useRetryExecution = () =>
  useChange((id: number) =>
    bodyOf(api.POST("/api/haven/v1/jobs/executions/{execution_id}/retry", ofExecution(id))),
  );

export const useStopTask = () =>
  useChange((id: number) =>
    bodyOf(api.POST("/api/haven/v1/jobs/tasks/{task_id}/stop", ofTask(id))),
  );

export const useRetryTask = () =>
  useChange((id: number) =>
    bodyOf(api.POST("/api/haven/v1/jobs/tasks/{task_id}/retry", ofTask(id))),
  );

export interface QueueAction {
  kind: string;
  action: "stop" | "pause" | "resume";
}

export const useQueueAction = () =>
  useChange(({ kind, action }: QueueAction) =>
    bodyOf(
      api.PUT("/api/v2.0/jobservice/queues/{job_type}", {
        params: { path: { job_type: kind } },
        body: { action },
      }),
    ),
  );
