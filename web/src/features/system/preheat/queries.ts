import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../../api/client";

export type Instance = Schema["PreheatInstance"];
export type Mode = "NONE" | "BASIC" | "OAUTH" | "CUSTOM";

const all = ["preheat-instances"];

export function useInstances() {
  return useQuery({
    queryKey: all,
    queryFn: ({ signal }) =>
      pageOf<Instance>(
        api.GET("/api/v2.0/p2p/preheat/instances", {
          params: { query: { page_size: 100, sort: "name" } },
          signal,
        }),
      ),
  });
}

export function useProviders() {
  return useQuery({
    queryKey: ["preheat-providers"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) =>
      bodyOf<Schema["PreheatProvider"][]>(api.GET("/api/v2.0/p2p/preheat/providers", { signal })),
  });
}

export interface Draft {
  name: string;
  description: string;
  vendor: string;
  endpoint: string;
  mode: Mode;
  /** Name of the user, or of the header. */
  who: string;
  secret: string;
  enabled: boolean;
  isDefault: boolean;
  insecure: boolean;
}

export function draftOf(instance: Instance | undefined): Draft {
  return {
    name: instance?.name ?? "",
    description: instance?.description ?? "",
    vendor: instance?.vendor ?? "dragonfly",
    endpoint: instance?.endpoint ?? "",
    mode: (instance?.auth_mode as Mode | undefined) ?? "OAUTH",
    who: "",
    secret: "",
    enabled: instance?.enabled ?? true,
    isDefault: instance?.default ?? false,
    insecure: instance?.insecure ?? false,
  };
}

function credential({ mode, who, secret }: Draft): Record<string, string> | undefined {
  if (mode === "NONE" || (!who && !secret)) return undefined;
  return {
    BASIC: { username: who, password: secret },
    OAUTH: { token: secret },
    CUSTOM: { [who]: secret },
  }[mode];
}

function bodyFrom(draft: Draft, stored: Instance | undefined): Instance {
  const auth = credential(draft);
  return {
    ...(stored?.id !== undefined && { id: stored.id }),
    name: draft.name.trim(),
    description: draft.description,
    vendor: draft.vendor,
    endpoint: draft.endpoint.trim(),
    auth_mode: draft.mode,
    ...(auth && { auth_info: auth }),
    enabled: draft.enabled,
    default: draft.isDefault,
    insecure: draft.insecure,
  };
}

export function useSaveInstance(stored: Instance | undefined) {
  const client = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: (draft: Draft) => {
      const body = bodyFrom(draft, stored);
      return stored
        ? bodyOf(
            api.PUT("/api/v2.0/p2p/preheat/instances/{preheat_instance_name}", {
              params: { path: { preheat_instance_name: stored.name ?? "" } },
              body,
            }),
          )
        : bodyOf(api.POST("/api/v2.0/p2p/preheat/instances", { body }));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: all }),
  });
}

/** Asks an instance whether it is well: the stored one where nothing else is typed. */
export function useTestInstance() {
  return useMutation({
    gcTime: 0,
    mutationFn: ({ draft, stored }: { draft: Draft; stored: Instance | undefined }) => {
      const same =
        stored && draft.endpoint.trim() === stored.endpoint && !draft.secret && !draft.who;
      const body = same
        ? { id: stored.id }
        : { ...bodyFrom(draft, undefined), name: draft.name || "test" };
      return bodyOf(api.POST("/api/v2.0/p2p/preheat/instances/ping", { body }));
    },
  });
}

export function useDeleteInstance() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) =>
      bodyOf(
        api.DELETE("/api/v2.0/p2p/preheat/instances/{preheat_instance_name}", {
          params: { path: { preheat_instance_name: name } },
        }),
      ),
    onSuccess: () => void client.invalidateQueries({ queryKey: all }),
  });
}
