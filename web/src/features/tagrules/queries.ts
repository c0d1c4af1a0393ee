import { useMutation, useQuery } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../api/client";
import { useRenew } from "../../api/renew";

export type TagRule = Schema["TagRule"];

export function useTagRules(project: string) {
  return useQuery({
    queryKey: ["tag-rules", project],
    queryFn: ({ signal }) =>
      pageOf<TagRule>(
        api.GET("/api/haven/v1/projects/{project_name}/tagrules", {
          params: { path: { project_name: project }, query: { page_size: 100 } },
          signal,
        }),
      ),
  });
}

/** A change after which other tags are protected, which listings show. */
function useChange<T, R>(change: (given: T) => Promise<R>) {
  return useMutation({
    mutationFn: change,
    onSettled: useRenew("tag-rules", "artifacts", "retention-preview"),
  });
}

/** Makes a rule, or replaces the one whose number it has. */
export function useSaveTagRule(project: string) {
  return useChange((rule: TagRule) => {
    const { id, created_by: _, creation_time: __, update_time: ___, release: ____, ...body } = rule;
    if (!id) {
      return bodyOf(
        api.POST("/api/haven/v1/projects/{project_name}/tagrules", {
          params: { path: { project_name: project } },
          body,
        }),
      );
    }
    return bodyOf(
      api.PUT("/api/haven/v1/projects/{project_name}/tagrules/{rule_id}", {
        params: { path: { project_name: project, rule_id: id } },
        body,
      }),
    );
  });
}

export function useDeleteTagRule(project: string) {
  return useChange((id: number) =>
    bodyOf(
      api.DELETE("/api/haven/v1/projects/{project_name}/tagrules/{rule_id}", {
        params: { path: { project_name: project, rule_id: id } },
      }),
    ),
  );
}

export interface Release {
  id: number;
  reason: string;
}

/** A system administrator's word that a hold should end; whether it has. */
export function useRelease(project: string) {
  return useChange(({ id, reason }: Release) =>
    bodyOf<{ released: boolean }>(
      api.POST("/api/haven/v1/projects/{project_name}/tagrules/{rule_id}/release", {
        params: { path: { project_name: project, rule_id: id } },
        body: { reason },
      }),
    ),
  );
}
