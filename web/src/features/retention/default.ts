import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";
import { asProblem } from "../../api/problem";
import { useRenew } from "../../api/renew";
import type { Policy } from "./queries";

/** The policy of projects that have none; null where there is none. */
export function useDefaultPolicy() {
  return useQuery({
    queryKey: ["retention", "default"],
    queryFn: async ({ signal }): Promise<Policy | null> => {
      try {
        const { rules, cron = "" } = await bodyOf<Schema["DefaultRetention"]>(
          api.GET("/api/haven/v1/retention/default", { signal }),
        );
        return { rules, cron };
      } catch (error) {
        if (asProblem(error).status === 404) return null;
        throw error;
      }
    },
  });
}

export function useSaveDefault() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ rules, cron }: Policy) =>
      bodyOf(api.PUT("/api/haven/v1/retention/default", { body: { rules, cron } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["retention"] }),
  });
}

export function useDeleteDefault() {
  return useMutation({
    mutationFn: () => bodyOf(api.DELETE("/api/haven/v1/retention/default")),
    onSuccess: useRenew("retention"),
  });
}
