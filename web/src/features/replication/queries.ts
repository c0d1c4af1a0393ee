import {
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueries,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, bodyOf, contains, pageOf, type Schema } from "../../api/client";
import { problemFrom } from "../../api/problem";
import { useRenew } from "../../api/renew";
import { isUnderWay } from "../../ui/Status";

export type Policy = Schema["ReplicationPolicy"];
export type Run = Schema["ReplicationExecution"];
export type Preview = Schema["ReplicationPreview"];
export type Change = Schema["ReplicationChange"];
export type Registry = Schema["Registry"];

export const policiesPerPage = 15;
export const runsPerPage = 10;
const often = 3000;

export interface PolicyFilter {
  q: string;
  page: number;
}

export function usePolicies({ q, page }: PolicyFilter) {
  return useQuery({
    queryKey: ["replication", "policies", { q, page }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Policy>(
        api.GET("/api/v2.0/replication/policies", {
          params: {
            query: { q: contains("name", q), page, page_size: policiesPerPage, sort: "name" },
          },
          signal,
        }),
      ),
  });
}

export function usePolicy(id: number) {
  return useQuery({
    queryKey: ["replication", "policy", id],
    queryFn: ({ signal }) =>
      bodyOf<Policy>(
        api.GET("/api/v2.0/replication/policies/{id}", { params: { path: { id } }, signal }),
      ),
  });
}

/** The registries elsewhere, the first hundred by name. */
export function useRegistries() {
  return useQuery({
    queryKey: ["registries", "to choose from"],
    queryFn: ({ signal }) =>
      bodyOf<Registry[]>(
        api.GET("/api/v2.0/registries", {
          params: { query: { page: 1, page_size: 100, sort: "name" } },
          signal,
        }),
      ),
  });
}

export interface RunFilter {
  status: string;
  page: number;
}

function runsQuery(policy: number, { status, page }: RunFilter, size: number) {
  return queryOptions({
    queryKey: ["replication", "runs", policy, { status, page, size }],
    queryFn: ({ signal }) =>
      pageOf<Run>(
        api.GET("/api/v2.0/replication/executions", {
          params: {
            query: {
              policy_id: policy,
              page,
              page_size: size,
              ...(status && { status }),
            },
          },
          signal,
        }),
      ),
    refetchInterval: (query) =>
      query.state.data?.items.some((run) => isUnderWay(run.status)) ? often : false,
  });
}

export function useRuns(policy: number, filter: RunFilter) {
  return useQuery({
    ...runsQuery(policy, filter, runsPerPage),
    placeholderData: keepPreviousData,
  });
}

/** The last run of each policy, by the policy's id; a policy that never ran has none. */
export function useLastRuns(policies: Policy[]): Map<number, Run> {
  return useQueries({
    queries: policies.map((policy) => runsQuery(policy.id ?? 0, { status: "", page: 1 }, 1)),
    combine: (answers) =>
      new Map(
        answers
          .flatMap(({ data }) => data?.items ?? [])
          .map((run) => [run.policy_id, run] as const),
      ),
  });
}

export function useRun(id: number) {
  return useQuery({
    queryKey: ["replication", "run", id],
    queryFn: ({ signal }) =>
      bodyOf<Run>(
        api.GET("/api/v2.0/replication/executions/{id}", { params: { path: { id } }, signal }),
      ),
  });
}

/** What a policy would do if it were carried out now. Comparing takes time: only who looks asks. */
export function usePreview(policy: number) {
  return useQuery({
    queryKey: ["replication", "preview", policy],
    staleTime: 30_000,
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<Preview>(
        api.POST("/api/haven/v1/replication/policies/{id}/preview", {
          params: { path: { id: policy } },
          signal,
        }),
      ),
  });
}

/** The number at the end of an answer's Location. */
function madeId(response: Response): number {
  return Number((response.headers.get("Location") ?? "").split("/").pop());
}

function useChange<T, R>(change: (of: T) => Promise<R>) {
  return useMutation({ mutationFn: change, onSuccess: useRenew("replication") });
}

/** Carries a policy out, for the number of the run. */
export const useStart = () =>
  useChange(async (policy: number) => {
    const { error, response } = await api.POST("/api/v2.0/replication/executions", {
      body: { policy_id: policy },
    });
    if (!response.ok) throw await problemFrom(response, error);
    return madeId(response);
  });

/** Makes a policy, for its number. */
export const useCreatePolicy = () =>
  useChange(async (body: Policy) => {
    const { error, response } = await api.POST("/api/v2.0/replication/policies", { body });
    if (!response.ok) throw await problemFrom(response, error);
    return madeId(response);
  });

export const useUpdatePolicy = (id: number) =>
  useChange((body: Policy) =>
    bodyOf(api.PUT("/api/v2.0/replication/policies/{id}", { params: { path: { id } }, body })),
  );

/** Deletes a policy, which its own page must not ask for again. */
export function useDeletePolicy() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(api.DELETE("/api/v2.0/replication/policies/{id}", { params: { path: { id } } })),
    onSuccess: (_, id) => {
      client.removeQueries({ queryKey: ["replication", "policy", id] });
      client.removeQueries({ queryKey: ["replication", "runs", id] });
      client.removeQueries({ queryKey: ["replication", "preview", id] });
      void client.invalidateQueries({ queryKey: ["replication"] });
    },
  });
}
