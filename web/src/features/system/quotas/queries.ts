import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../../api/client";

export type Quota = Schema["Quota"];

export const quotasPerPage = 25;
const all = ["quotas"];

export interface QuotaList {
  page: number;
  sort: string;
  size?: number;
}

export function useQuotas({ page, sort, size = quotasPerPage }: QuotaList) {
  return useQuery({
    queryKey: [...all, { page, sort, size }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Quota>(
        api.GET("/api/v2.0/quotas", {
          params: { query: { page, page_size: size, sort, reference: "project" } },
          signal,
        }),
      ),
  });
}

export function useSetQuota() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, bytes }: { id: number; bytes: number }) =>
      bodyOf(
        api.PUT("/api/v2.0/quotas/{id}", {
          params: { path: { id } },
          body: { hard: { storage: bytes } },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: all }),
  });
}
