import { useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";

export type Day = Schema["TrendSample"];

/** What the registry was on each of the last days; for administrators. */
export function useTrends(days: number, enabled: boolean) {
  return useQuery({
    queryKey: ["trends", days],
    enabled,
    staleTime: 60_000,
    queryFn: ({ signal }) =>
      bodyOf<Day[]>(api.GET("/api/haven/v1/trends", { params: { query: { days } }, signal })),
  });
}
