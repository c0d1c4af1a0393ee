import { useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../../api/client";
import { systemInfoQuery } from "../../../api/systeminfo";

export type Health = Schema["OverallHealthStatus"];

/** What the server says of itself; more of it to those who are signed in. */
export function useInfo() {
  return useQuery(systemInfoQuery);
}

/** How far the server's clock is from this browser's, in seconds; half of the way there counts. */
export function useClock() {
  return useQuery({
    queryKey: ["clock"],
    queryFn: async ({ signal }) => {
      const asked = Date.now();
      const info = await bodyOf<Schema["GeneralInfo"]>(api.GET("/api/v2.0/systeminfo", { signal }));
      const time = info.current_time ?? "";
      return { time, apart: (Date.parse(time) - (asked + Date.now()) / 2) / 1000 };
    },
  });
}

export function useHealth() {
  return useQuery({
    queryKey: ["health"],
    refetchInterval: 10_000,
    queryFn: ({ signal }) => bodyOf<Health>(api.GET("/api/v2.0/health", { signal })),
  });
}

export function useVersion() {
  return useQuery({
    queryKey: ["api-version"],
    queryFn: ({ signal }) => bodyOf<Schema["APIVersion"]>(api.GET("/api/version", { signal })),
  });
}
