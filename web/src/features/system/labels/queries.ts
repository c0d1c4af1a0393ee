import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../../api/client";

export type Label = Schema["Label"];

export const labelsPerPage = 25;
const all = ["labels", "system"];

export function useSystemLabels(q: string, page: number, sort: string) {
  return useQuery({
    queryKey: [...all, { q, page, sort }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Label>(
        api.GET("/api/v2.0/labels", {
          params: {
            query: { scope: "g", page, page_size: labelsPerPage, sort, ...(q && { name: q }) },
          },
          signal,
        }),
      ),
  });
}

export interface Draft {
  id: number | undefined;
  name: string;
  description: string;
  color: string;
}

export function useSaveLabel() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, name, description, color }: Draft) => {
      const body = { name: name.trim(), description, color, scope: "g" };
      return id === undefined
        ? bodyOf(api.POST("/api/v2.0/labels", { body }))
        : bodyOf(
            api.PUT("/api/v2.0/labels/{label_id}", { params: { path: { label_id: id } }, body }),
          );
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["labels"] }),
  });
}

export function useDeleteLabel() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(api.DELETE("/api/v2.0/labels/{label_id}", { params: { path: { label_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["labels"] }),
  });
}
