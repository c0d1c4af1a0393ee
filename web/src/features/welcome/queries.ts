import { useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";
import { systemInfoQuery } from "../../api/systeminfo";

/** What the server says of itself. */
export function useServer() {
  return useQuery(systemInfoQuery);
}

/** How much the registry holds. */
export function useStatistics(enabled: boolean) {
  return useQuery({
    queryKey: ["statistics"],
    enabled,
    queryFn: ({ signal }) =>
      bodyOf<Schema["Statistic"]>(api.GET("/api/v2.0/statistics", { signal })),
  });
}

export function useVolumes() {
  return useQuery({
    queryKey: ["volumes"],
    queryFn: async ({ signal }) =>
      (await bodyOf<Schema["SystemInfo"]>(api.GET("/api/v2.0/systeminfo/volumes", { signal })))
        .storage[0],
  });
}

/** Whether the parts that keep blobs and rows are well: the server tries them. */
export function useHealth() {
  return useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) =>
      bodyOf<Schema["OverallHealthStatus"]>(api.GET("/api/v2.0/health", { signal })),
  });
}

/** Whether the registry itself answers at this address: what docker asks first. */
export function useAnswers() {
  return useQuery({
    queryKey: ["answers"],
    retry: false,
    queryFn: async ({ signal }) => {
      const answer = await fetch(new Request("/v2/", { signal }));
      return [200, 401].includes(answer.status);
    },
  });
}
