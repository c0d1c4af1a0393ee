import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../api/client";
import { useRenew } from "../../api/renew";

export type Label = Schema["Label"];

/** Whose labels: those of a project, by its number, or those that all projects have in common. */
export type Scope = number | "registry";

export const labelsPerPage = 25;

interface Filter {
  q: string;
  page: number;
  sort: string;
}

/** A scope as the API has it. */
function belonging(scope: Scope) {
  return scope === "registry" ? { scope: "g" } : { scope: "p", project_id: scope };
}

export function useLabels(scope: Scope, { q, page, sort }: Filter) {
  return useQuery({
    queryKey: ["labels", scope, { q, page, sort }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Label>(
        api.GET("/api/v2.0/labels", {
          params: {
            query: {
              ...belonging(scope),
              page,
              page_size: labelsPerPage,
              sort,
              ...(q.trim() && { name: q.trim() }),
            },
          },
          signal,
        }),
      ),
  });
}

/** A label as it is typed. */
export interface Draft {
  name: string;
  description: string;
  color: string;
}

const useChanged = () => useRenew("labels", "artifacts");

/** Makes a label, or changes the one that has the id. */
export function useSaveLabel(scope: Scope, id?: number) {
  const changed = useChanged();
  return useMutation({
    mutationFn: async (draft: Draft) => {
      const body = { ...draft, ...belonging(scope) };
      if (id === undefined) await bodyOf(api.POST("/api/v2.0/labels", { body }));
      else {
        const params = { path: { label_id: id } };
        await bodyOf(api.PUT("/api/v2.0/labels/{label_id}", { params, body }));
      }
    },
    onSuccess: changed,
  });
}

export function useDeleteLabel() {
  const changed = useChanged();
  return useMutation({
    mutationFn: (label: Label) =>
      bodyOf(
        api.DELETE("/api/v2.0/labels/{label_id}", {
          params: { path: { label_id: label.id ?? 0 } },
        }),
      ),
    onSettled: changed,
  });
}
