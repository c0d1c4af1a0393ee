import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../api/client";

export type Label = Schema["Label"];

export const labelsPerPage = 25;

interface Filter {
  q: string;
  page: number;
}

/** The labels of a project. */
export function useLabels(projectId: number, { q, page }: Filter) {
  return useQuery({
    queryKey: ["labels", projectId, { q, page }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Label>(
        api.GET("/api/v2.0/labels", {
          params: {
            query: {
              scope: "p",
              project_id: projectId,
              page,
              page_size: labelsPerPage,
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

function useChanged() {
  const client = useQueryClient();
  return () =>
    Promise.all(
      [["labels"], ["artifacts"]].map((queryKey) => client.invalidateQueries({ queryKey })),
    );
}

/** Makes a label of a project, or changes the one that has the id. */
export function useSaveLabel(projectId: number, id?: number) {
  const changed = useChanged();
  return useMutation({
    mutationFn: async (draft: Draft) => {
      const body = { ...draft, scope: "p", project_id: projectId };
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
