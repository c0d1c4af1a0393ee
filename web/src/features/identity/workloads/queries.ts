import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, contains, pageOf, type Schema } from "../../../api/client";
import { useRenew } from "../../../api/renew";

export type Policy = Schema["TrustPolicy"];
export type Draft = Schema["TrustPolicyDraft"];
export type Verdict = Schema["TrustVerdict"];

export const policiesPerPage = 25;

export interface PolicyFilter {
  q: string;
  page: number;
  sort: string;
  project: string;
}

export function usePolicies({ q, page, sort, project }: PolicyFilter) {
  return useQuery({
    queryKey: ["workloads", { q, page, sort, project }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Policy>(
        api.GET("/api/haven/v1/workload/policies", {
          params: {
            query: {
              q: contains("name", q),
              page,
              page_size: policiesPerPage,
              sort,
              ...(project && { project }),
            },
          },
          signal,
        }),
      ),
  });
}

export function usePolicy(id: number) {
  return useQuery({
    queryKey: ["workloads", "one", id],
    queryFn: ({ signal }) =>
      bodyOf<Policy>(
        api.GET("/api/haven/v1/workload/policies/{policy_id}", {
          params: { path: { policy_id: id } },
          signal,
        }),
      ),
  });
}

const useForget = () => useRenew("workloads");

/** Makes a policy, or changes the one of this number. */
export function useSavePolicy(id?: number) {
  const forget = useForget();
  return useMutation({
    mutationFn: (body: Draft) =>
      bodyOf(
        id === undefined
          ? api.POST("/api/haven/v1/workload/policies", { body })
          : api.PUT("/api/haven/v1/workload/policies/{policy_id}", {
              params: { path: { policy_id: id } },
              body,
            }),
      ),
    onSuccess: forget,
  });
}

/** Has lists read again, and not the page about what is gone: that is about to be left. */
function useForgetGone() {
  const client = useQueryClient();
  return () =>
    void client.invalidateQueries({
      predicate: ({ queryKey: [first, second] }) => first === "workloads" && second !== "one",
    });
}

export function useDeletePolicy() {
  const forget = useForgetGone();
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(
        api.DELETE("/api/haven/v1/workload/policies/{policy_id}", {
          params: { path: { policy_id: id } },
        }),
      ),
    onSuccess: forget,
  });
}

/** Asks which policies would let a token with these claims in. */
export function useTryClaims(project: string) {
  return useMutation({
    mutationFn: (claims: Record<string, unknown>) =>
      bodyOf<Verdict[] | null>(
        api.POST("/api/haven/v1/workload/test", { body: { claims, ...(project && { project }) } }),
      ),
  });
}
