import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../../api/client";

export type Scanner = Schema["ScannerRegistration"];

const all = ["scanners"];

export const auths = ["", "Basic", "Bearer", "X-ScannerAdapter-API-Key"] as const;

/** The address of the scanner that is part of Haven; nobody asks it. */
export const isBuiltIn = (scanner: Scanner) => scanner.url.startsWith("internal:");

/** Whether it answered when the list was made: only then it is known what it can do. */
export const answers = (scanner: Scanner) => !!scanner.capabilities;

export function useScanners() {
  return useQuery({
    queryKey: all,
    queryFn: ({ signal }) =>
      pageOf<Scanner>(
        api.GET("/api/v2.0/scanners", { params: { query: { page_size: 100 } }, signal }),
      ),
  });
}

export function useMetadata(id: string) {
  return useQuery({
    queryKey: [...all, "metadata", id],
    queryFn: ({ signal }) =>
      bodyOf<Schema["ScannerAdapterMetadata"]>(
        api.GET("/api/v2.0/scanners/{registration_id}/metadata", {
          params: { path: { registration_id: id } },
          signal,
        }),
      ),
  });
}

export interface Draft {
  name: string;
  description: string;
  url: string;
  auth: string;
  credential: string;
  insecure: boolean;
  internal: boolean;
  disabled: boolean;
}

export function draftOf(scanner: Scanner | undefined): Draft {
  return {
    name: scanner?.name ?? "",
    description: scanner?.description ?? "",
    url: scanner?.url ?? "",
    auth: scanner?.auth ?? "",
    credential: "",
    insecure: scanner?.skip_certVerify ?? false,
    internal: scanner?.use_internal_addr ?? false,
    disabled: scanner?.disabled ?? false,
  };
}

function requestOf(draft: Draft): Schema["ScannerRegistrationReq"] {
  return {
    name: draft.name.trim(),
    description: draft.description,
    url: draft.url.trim(),
    auth: draft.auth,
    ...(draft.credential && { access_credential: draft.credential }),
    skip_certVerify: draft.insecure,
    use_internal_addr: draft.internal,
    disabled: draft.disabled,
  };
}

export function useSaveScanner(id: string | undefined) {
  const client = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: (draft: Draft) =>
      id
        ? bodyOf(
            api.PUT("/api/v2.0/scanners/{registration_id}", {
              params: { path: { registration_id: id } },
              body: requestOf(draft),
            }),
          )
        : bodyOf(api.POST("/api/v2.0/scanners", { body: requestOf(draft) })),
    onSuccess: () => client.invalidateQueries({ queryKey: all }),
  });
}

export function useTestScanner() {
  return useMutation({
    gcTime: 0,
    mutationFn: (draft: Draft) => {
      const { name, url, auth, access_credential, skip_certVerify } = requestOf(draft);
      const body = { name: name || "test", url, auth, access_credential, skip_certVerify };
      return bodyOf(api.POST("/api/v2.0/scanners/ping", { body }));
    },
  });
}

export function useMakeDefault() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      bodyOf(
        api.PATCH("/api/v2.0/scanners/{registration_id}", {
          params: { path: { registration_id: id } },
          body: { is_default: true },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: all }),
  });
}

export function useDeleteScanner() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      bodyOf(
        api.DELETE("/api/v2.0/scanners/{registration_id}", {
          params: { path: { registration_id: id } },
        }),
      ),
    onSuccess: () => void client.invalidateQueries({ queryKey: all }),
  });
}
