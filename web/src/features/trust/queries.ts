import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, inPath, type Schema } from "../../api/client";
import { problemFrom } from "../../api/problem";
import { save } from "../../ui/save";

export type Signatures = Schema["ArtifactSignatures"];
export type Signature = Schema["Signature"];
export type SignaturePolicy = Schema["SignaturePolicy"];

/** Who signed an artifact, and what that is worth in its project. */
export function signaturesQuery(project: string, repository: string, digest: string) {
  return queryOptions({
    queryKey: ["signatures", project, repository, digest],
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<Signatures>(
        api.GET(
          "/api/haven/v1/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/signatures",
          {
            params: {
              path: {
                project_name: project,
                repository_name: inPath(repository),
                reference: digest,
              },
            },
            signal,
          },
        ),
      ),
  });
}

export function useSignatures(project: string, repository: string, digest: string) {
  return useQuery(signaturesQuery(project, repository, digest));
}

/** Whom a project trusts to sign. */
export function useSignaturePolicy(project: string, signedIn: boolean) {
  return useQuery({
    queryKey: ["signature-policy", project],
    enabled: signedIn,
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<SignaturePolicy>(
        api.GET("/api/haven/v1/projects/{project_name}/signature-policy", {
          params: { path: { project_name: project } },
          signal,
        }),
      ),
  });
}

/** Those who verify in a cluster, each with a form of policy of its own. */
export const clusterKinds = [
  "ClusterPolicy",
  "ImageValidatingPolicy",
  "ClusterImagePolicy",
] as const;

export type ClusterKind = (typeof clusterKinds)[number];

/** Fetches a project's policy in the words of a cluster, and has the browser save it. */
export function useExport(project: string) {
  return useMutation({
    mutationFn: async (kind: ClusterKind) => {
      const { data, error, response } = await api.GET(
        "/api/haven/v1/projects/{project_name}/signature-policy/kubernetes",
        {
          params: { path: { project_name: project }, query: { kind } },
          parseAs: "blob",
        },
      );
      if (!response.ok || !data) throw await problemFrom(response, error);
      save(data as Blob, `${project}-${kind.toLowerCase()}.yaml`);
    },
  });
}

/** Sets or removes a project's own policy. */
export function useChangePolicy(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (document: Schema["SignaturePolicyDocument"] | null) => {
      const params = { path: { project_name: project } };
      const address = "/api/haven/v1/projects/{project_name}/signature-policy";
      return document === null
        ? bodyOf(api.DELETE(address, { params }))
        : bodyOf(api.PUT(address, { params, body: document }));
    },
    onSuccess: () => {
      // Not waited for: who deleted the policy is told before what asked for it is gone with it.
      for (const about of ["signature-policy", "signatures", "gate"]) {
        void client.invalidateQueries({ queryKey: [about, project] });
      }
    },
  });
}
