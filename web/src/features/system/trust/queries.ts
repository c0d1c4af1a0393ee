import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../../api/client";

export type Policy = Schema["SignaturePolicy"];
export type Key = Schema["SigningKey"];
export type Mirror = Schema["Mirror"];
export type NewMirror = Schema["NewMirror"];

const policy = ["signature-policy-of-all"];
const keys = ["signing-keys"];
const mirrors = ["mirrors"];

export function usePolicy() {
  return useQuery({
    queryKey: policy,
    queryFn: ({ signal }) => bodyOf<Policy>(api.GET("/api/haven/v1/signature-policy", { signal })),
  });
}

/** Every project's policy may be this one: all of them are asked for anew. */
function usePolicyChanged() {
  const client = useQueryClient();
  return () =>
    Promise.all([
      client.invalidateQueries({ queryKey: policy }),
      client.invalidateQueries({ queryKey: ["signature-policy"] }),
    ]);
}

export function useSetPolicy() {
  const onSuccess = usePolicyChanged();
  return useMutation({
    mutationFn: (document: Schema["SignaturePolicyDocument"]) =>
      bodyOf(api.PUT("/api/haven/v1/signature-policy", { body: document })),
    onSuccess,
  });
}

export function useRemovePolicy() {
  const onSuccess = usePolicyChanged();
  return useMutation({
    mutationFn: () => bodyOf(api.DELETE("/api/haven/v1/signature-policy", {})),
    onSuccess,
  });
}

export function useKeys() {
  return useQuery({
    queryKey: keys,
    queryFn: ({ signal }) => bodyOf<Key[]>(api.GET("/api/haven/v1/signing/keys", { signal })),
  });
}

export function useRotateKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (format: Key["format"]) =>
      bodyOf(api.POST("/api/haven/v1/signing/keys", { body: { format } })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys }),
  });
}

export function useMirrors() {
  return useQuery({
    queryKey: mirrors,
    queryFn: ({ signal }) => bodyOf<Mirror[]>(api.GET("/api/haven/v1/mirrors", { signal })),
  });
}

export function useAddMirror() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: NewMirror) => bodyOf(api.POST("/api/haven/v1/mirrors", { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: mirrors }),
  });
}

export function useEndMirror() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(
        api.DELETE("/api/haven/v1/mirrors/{mirror_id}", { params: { path: { mirror_id: id } } }),
      ),
    onSuccess: () => void client.invalidateQueries({ queryKey: mirrors }),
  });
}
