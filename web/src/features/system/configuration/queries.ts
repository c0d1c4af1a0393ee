import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../../api/client";

export type Value = string | number | boolean;

/** A setting as it is now. */
export interface State {
  value: Value;
  /** False: it is fixed from outside. */
  editable: boolean;
}

export type Configuration = Record<string, State | undefined>;

const configuration = ["configurations"];

export function useConfiguration() {
  return useQuery({
    queryKey: configuration,
    queryFn: ({ signal }) =>
      bodyOf<Configuration>(
        api.GET("/api/v2.0/configurations", { signal }) as Promise<{
          data?: Configuration;
          response: Response;
        }>,
      ),
  });
}

export function useSaveConfiguration() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (changes: Record<string, Value>) =>
      bodyOf(api.PUT("/api/v2.0/configurations", { body: changes })),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: configuration }),
        client.invalidateQueries({ queryKey: ["systeminfo"] }),
        client.invalidateQueries({ queryKey: ["audit-forwarding"] }),
      ]),
  });
}

export function useForwarding() {
  return useQuery({
    queryKey: ["audit-forwarding"],
    refetchInterval: 10_000,
    queryFn: ({ signal }) =>
      bodyOf<Schema["AuditForwarding"]>(api.GET("/api/haven/v1/audit/forwarding", { signal })),
  });
}

/** The kinds of rows that the audit log can have. */
export function useEventTypes() {
  return useQuery({
    queryKey: ["event-types"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const types = await bodyOf<{ event_type?: string }[]>(
        api.GET("/api/v2.0/auditlog-exts/events", { signal }),
      );
      return types.map((each) => each.event_type ?? "").sort();
    },
  });
}
