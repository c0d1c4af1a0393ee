import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import type { Page } from "../../api/client";
import { type Liveness, useLive } from "../../api/live";
import { isUnderWay } from "../../ui/Status";
import { type Execution, executionQuery, type Task } from "./queries";

/** No more often than this is a page of tasks asked for anew because others changed, in milliseconds. */
const pause = 1500;

/**
 * Keeps an execution and its tasks, as far as they are shown, up to date while it goes on: what is known of it elsewhere
 * (`also`, the beginnings of query keys) is asked for anew when it has changed.
 */
export function useWatch(
  execution: Execution | undefined,
  also: readonly QueryKey[] = [],
): Liveness {
  const client = useQueryClient();
  const asked = useRef(0);
  const id = execution?.id ?? 0;
  const { queryKey } = executionQuery(id);
  const listings = [["jobs", "tasks", id], ...also];
  const refresh = (now: boolean) => {
    if (!now && Date.now() - asked.current < pause) return;
    asked.current = Date.now();
    for (const key of listings) void client.invalidateQueries({ queryKey: key });
  };
  return useLive({
    address:
      execution && isUnderWay(execution.status)
        ? `/api/haven/v1/jobs/executions/${id}/watch`
        : undefined,
    on: {
      execution: (data) => {
        const now: Execution = JSON.parse(data);
        client.setQueryData<Execution>(queryKey, now);
        // Once it has ended there may be nobody left to hear of the end.
        refresh(!isUnderWay(now.status));
      },
      task: (data) => put(client, JSON.parse(data)),
      end: () => {
        refresh(true);
        void client.invalidateQueries({ queryKey: ["jobs", "executions"] });
      },
    },
    poll: async () => {
      const now = await client.fetchQuery({ ...executionQuery(id), staleTime: 0 });
      refresh(true);
      return isUnderWay(now.status);
    },
  });
}

/** Puts a task that has changed in the place of what is shown of it. */
function put(client: ReturnType<typeof useQueryClient>, task: Task) {
  client.setQueriesData<Page<Task>>(
    { queryKey: ["jobs", "tasks", task.execution_id] },
    (page) =>
      page && { ...page, items: page.items.map((each) => (each.id === task.id ? task : each)) },
  );
}
