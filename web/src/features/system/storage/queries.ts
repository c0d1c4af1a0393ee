import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../../api/client";

export function useVolumes() {
  return useQuery({
    queryKey: ["volumes"],
    queryFn: ({ signal }) =>
      bodyOf<Schema["SystemInfo"]>(api.GET("/api/v2.0/systeminfo/volumes", { signal })),
  });
}

export function useStatistics() {
  return useQuery({
    queryKey: ["statistics"],
    queryFn: ({ signal }) =>
      bodyOf<Schema["Statistic"]>(api.GET("/api/v2.0/statistics", { signal })),
  });
}

/** Takes away for good what can still be restored, in all projects. */
export function useEmptyTrash() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => bodyOf(api.DELETE("/api/haven/v1/trash", {})),
    onSuccess: () => void client.invalidateQueries(),
  });
}
