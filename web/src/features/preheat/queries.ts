import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Page, pageOf, type Schema } from "../../api/client";
import { problemFrom } from "../../api/problem";
import { isUnderWay } from "../../ui/Status";

export type Policy = Schema["PreheatPolicy"];
export type Provider = Schema["ProviderUnderProject"];
export type Execution = Schema["PreheatExecution"];
export type Task = Schema["PreheatTask"];

export const executionsPerPage = 10;
const soon = 2000;

const ofProject = (project: string) => ({ path: { project_name: project } });
const ofPolicy = (project: string, policy: string) => ({
  path: { project_name: project, preheat_policy_name: policy },
});

/** The networks of peers that policies of a project may use. */
export function useProviders(project: string) {
  return useQuery({
    queryKey: ["preheat", project, "providers"],
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<Provider[]>(
        api.GET("/api/v2.0/projects/{project_name}/preheat/providers", {
          params: ofProject(project),
          signal,
        }),
      ),
  });
}

export function usePolicies(project: string) {
  return useQuery({
    queryKey: ["preheat", project, "policies"],
    retry: false,
    queryFn: ({ signal }) =>
      pageOf<Policy>(
        api.GET("/api/v2.0/projects/{project_name}/preheat/policies", {
          params: { ...ofProject(project), query: { page: 1, page_size: 100, sort: "name" } },
          signal,
        }),
      ),
  });
}

export function usePolicy(project: string, policy: string) {
  return useQuery({
    queryKey: ["preheat", project, "policy", policy],
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<Policy>(
        api.GET("/api/v2.0/projects/{project_name}/preheat/policies/{preheat_policy_name}", {
          params: ofPolicy(project, policy),
          signal,
        }),
      ),
  });
}

/** Everything that is known of preheating in a project is asked for anew. */
function useAnew(project: string) {
  const client = useQueryClient();
  return () => void client.invalidateQueries({ queryKey: ["preheat", project] });
}

export function useCreatePolicy(project: string) {
  return useMutation({
    mutationFn: (body: Policy) =>
      bodyOf(
        api.POST("/api/v2.0/projects/{project_name}/preheat/policies", {
          params: ofProject(project),
          body,
        }),
      ),
    onSuccess: useAnew(project),
  });
}

export function useChangePolicy(project: string) {
  return useMutation({
    mutationFn: ({ policy, body }: { policy: string; body: Policy }) =>
      bodyOf(
        api.PUT("/api/v2.0/projects/{project_name}/preheat/policies/{preheat_policy_name}", {
          params: ofPolicy(project, policy),
          body,
        }),
      ),
    onSuccess: useAnew(project),
  });
}

export function useDeletePolicy(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (policy: string) =>
      bodyOf(
        api.DELETE("/api/v2.0/projects/{project_name}/preheat/policies/{preheat_policy_name}", {
          params: ofPolicy(project, policy),
        }),
      ),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["preheat", project, "policies"] }),
  });
}

/** Carries a policy out now, and returns the id of the execution. */
export function useRunPolicy(project: string) {
  return useMutation({
    mutationFn: async (policy: Policy) => {
      const { error, response } = await api.POST(
        "/api/v2.0/projects/{project_name}/preheat/policies/{preheat_policy_name}",
        { params: ofPolicy(project, policy.name ?? ""), body: policy },
      );
      if (!response.ok) throw await problemFrom(response, error);
      return (response.headers.get("Location") ?? "").split("/").pop() ?? "";
    },
    onSuccess: useAnew(project),
  });
}

export function useExecutions(project: string, policy: string, page: number) {
  return useQuery<Page<Execution>>({
    queryKey: ["preheat", project, "policy", policy, "executions", page],
    placeholderData: keepPreviousData,
    refetchInterval: (query) =>
      query.state.data?.items.some((each) => isUnderWay(each.status)) ? soon : false,
    queryFn: ({ signal }) =>
      pageOf<Execution>(
        api.GET(
          "/api/v2.0/projects/{project_name}/preheat/policies/{preheat_policy_name}/executions",
          {
            params: {
              ...ofPolicy(project, policy),
              query: { page, page_size: executionsPerPage, sort: "-start_time" },
            },
            signal,
          },
        ),
      ),
  });
}

export interface Run {
  project: string;
  policy: string;
  execution: number;
}

const ofRun = ({ project, policy, execution }: Run) => ({
  path: { project_name: project, preheat_policy_name: policy, execution_id: execution },
});

export function useStopExecution(run: Run) {
  return useMutation({
    mutationFn: () =>
      bodyOf(
        api.PATCH(
          "/api/v2.0/projects/{project_name}/preheat/policies/{preheat_policy_name}/executions/{execution_id}",
          { params: ofRun(run), body: { status: "Stopped" } },
        ),
      ),
    onSettled: useAnew(run.project),
  });
}

/** The images of an execution, the first hundred of them. */
export function useTasks(run: Run, underWay: boolean) {
  return useQuery({
    queryKey: ["preheat", run.project, "policy", run.policy, "tasks", run.execution],
    refetchInterval: underWay ? soon : false,
    queryFn: ({ signal }) =>
      pageOf<Task>(
        api.GET(
          "/api/v2.0/projects/{project_name}/preheat/policies/{preheat_policy_name}/executions/{execution_id}/tasks",
          { params: { ...ofRun(run), query: { page: 1, page_size: 100 } }, signal },
        ),
      ),
  });
}

export function useTaskLog(run: Run, task: number, shown: boolean) {
  return useQuery({
    queryKey: ["preheat", run.project, "policy", run.policy, "log", run.execution, task],
    enabled: shown,
    refetchInterval: shown ? 5000 : false,
    queryFn: ({ signal }) =>
      bodyOf<string>(
        api.GET(
          "/api/v2.0/projects/{project_name}/preheat/policies/{preheat_policy_name}/executions/{execution_id}/tasks/{task_id}/logs",
          {
            params: { path: { ...ofRun(run).path, task_id: task } },
            parseAs: "text",
            signal,
          },
        ),
      ),
  });
}
