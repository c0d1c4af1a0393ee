import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";

export type Signing = Schema["SigningPolicy"];
export type SigningKey = Schema["SigningKey"];

const of = (project: string) => ({ path: { project_name: project } });

/** Whether Haven signs what passed a project's checks. */
export function useSigning(project: string) {
  return useQuery({
    queryKey: ["signing", project],
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<Signing>(
        api.GET("/api/haven/v1/projects/{project_name}/signing", { params: of(project), signal }),
      ),
  });
}

export function useChangeSigning(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Signing) =>
      bodyOf(
        api.PUT("/api/haven/v1/projects/{project_name}/signing", { params: of(project), body }),
      ),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["signing", project] }),
        client.invalidateQueries({ queryKey: ["signing-keys"] }),
      ]),
  });
}

/** The keys that Haven signs with, and has signed with. */
export function useSigningKeys() {
  return useQuery({
    queryKey: ["signing-keys"],
    queryFn: ({ signal }) =>
      bodyOf<SigningKey[]>(api.GET("/api/haven/v1/signing/keys", { signal })),
  });
}
