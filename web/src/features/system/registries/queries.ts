import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, contains, pageOf, type Schema } from "../../../api/client";

export type Registry = Schema["Registry"];
export type KindInfo = Schema["RegistryProviderInfo"];

export const registriesPerPage = 25;
const all = ["registries"];

/** Registries elsewhere; asked again now and then, as the server looks whether they are well. */
export function useRegistries(q: string, page: number, sort: string) {
  return useQuery({
    queryKey: [...all, { q, page, sort }],
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
    queryFn: ({ signal }) =>
      pageOf<Registry>(
        api.GET("/api/v2.0/registries", {
          params: {
            query: { q: contains("name", q), page, page_size: registriesPerPage, sort },
          },
          signal,
        }),
      ),
  });
}

export function useRegistryInfo(id: number) {
  return useQuery({
    queryKey: [...all, "info", id],
    queryFn: ({ signal }) =>
      bodyOf<Schema["RegistryInfo"]>(
        api.GET("/api/v2.0/registries/{id}/info", { params: { path: { id } }, signal }),
      ),
  });
}

/** The kinds of registries, and what addresses and credentials of some look like. */
export function useKinds() {
  return useQuery({
    queryKey: [...all, "kinds"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const [kinds, infos] = await Promise.all([
        bodyOf<string[]>(api.GET("/api/v2.0/replication/adapters", { signal })),
        bodyOf<Record<string, KindInfo>>(api.GET("/api/v2.0/replication/adapterinfos", { signal })),
      ]);
      return { kinds, infos };
    },
  });
}

/** What is typed into the form. */
export interface Draft {
  id: number | undefined;
  name: string;
  description: string;
  type: string;
  url: string;
  accessKey: string;
  /** Empty: the one that is stored, if any. */
  accessSecret: string;
  insecure: boolean;
  authorities: string;
}

export function draftOf(registry: Registry | undefined): Draft {
  return {
    id: registry?.id,
    name: registry?.name ?? "",
    description: registry?.description ?? "",
    type: registry?.type ?? "harbor",
    url: registry?.url ?? "",
    accessKey: registry?.credential?.access_key ?? "",
    accessSecret: "",
    insecure: registry?.insecure ?? false,
    authorities: registry?.ca_certificate ?? "",
  };
}

const credentialType = ({ accessKey, accessSecret }: Draft) =>
  accessKey || accessSecret ? "basic" : "";

function changes(draft: Draft): Schema["RegistryUpdate"] {
  const type = credentialType(draft);
  return {
    name: draft.name.trim(),
    description: draft.description,
    url: draft.url.trim(),
    ...(type && { credential_type: type }),
    access_key: draft.accessKey,
    ...(draft.accessSecret && { access_secret: draft.accessSecret }),
    insecure: draft.insecure,
    ca_certificate: draft.authorities,
  };
}

function saved(draft: Draft) {
  if (draft.id !== undefined)
    return bodyOf(
      api.PUT("/api/v2.0/registries/{id}", {
        params: { path: { id: draft.id } },
        body: changes(draft),
      }),
    );
  const { accessKey, accessSecret } = draft;
  const type = credentialType(draft);
  return bodyOf(
    api.POST("/api/v2.0/registries", {
      body: {
        name: draft.name.trim(),
        description: draft.description,
        type: draft.type,
        url: draft.url.trim(),
        insecure: draft.insecure,
        ca_certificate: draft.authorities,
        ...(type && { credential: { type, access_key: accessKey, access_secret: accessSecret } }),
      },
    }),
  );
}

/** Creates a registry, or changes the one whose id the draft has. */
export function useSaveRegistry() {
  const client = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: saved,
    onSuccess: () => client.invalidateQueries({ queryKey: all }),
  });
}

/**
 * Asks a registry without saving it. Of a saved one whose address and certificates aren't changed the
 * stored secret is tried, unless another is typed.
 */
export function useTestRegistry() {
  return useMutation({
    gcTime: 0,
    mutationFn: ({ draft, stored }: { draft: Draft; stored: Registry | undefined }) => {
      const type = credentialType(draft);
      const credential = {
        ...(type && { credential_type: type }),
        access_key: draft.accessKey,
        ...(draft.accessSecret && { access_secret: draft.accessSecret }),
      };
      const body =
        stored && isSameAddress(draft, stored)
          ? { id: stored.id, ...credential }
          : {
              type: draft.type,
              url: draft.url.trim(),
              insecure: draft.insecure,
              ca_certificate: draft.authorities,
              ...credential,
            };
      return bodyOf(api.POST("/api/v2.0/registries/ping", { body }));
    },
  });
}

/** Whether the stored secret can be used: it belongs to the address that it was entered with. */
export function isSameAddress(draft: Draft, stored: Registry): boolean {
  return (
    draft.url.trim() === stored.url &&
    draft.insecure === (stored.insecure ?? false) &&
    draft.authorities === (stored.ca_certificate ?? "")
  );
}

export function useDeleteRegistry() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(api.DELETE("/api/v2.0/registries/{id}", { params: { path: { id } } })),
    onSuccess: () => {
      // Not waited for: who asked is told before the list, and the question with it, may be gone.
      void client.invalidateQueries({ queryKey: all });
    },
  });
}
