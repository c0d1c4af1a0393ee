import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";

export type MirrorConfiguration = Schema["MirrorConfiguration"];

/** The files by which clients pull through a project that is a cache, without other names of images. */
export function useMirror(project: string) {
  return useQuery({
    queryKey: ["mirror", project],
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<MirrorConfiguration>(
        api.GET("/api/haven/v1/projects/{project_name}/mirror", {
          params: { path: { project_name: project } },
          signal,
        }),
      ),
  });
}

export type ProxyPolicy = Schema["ProxyPolicy"];
export type ProxyStatus = Schema["ProxyStatus"];

/** How a project caches. */
export function useProxyPolicy(project: string) {
  return useQuery({
    queryKey: ["proxy", project, "policy"],
    queryFn: ({ signal }) =>
      bodyOf<ProxyPolicy>(
        api.GET("/api/haven/v1/projects/{project_name}/proxy", {
          params: { path: { project_name: project } },
          signal,
        }),
      ),
  });
}

export function useSaveProxyPolicy(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (policy: ProxyPolicy) =>
      bodyOf(
        api.PUT("/api/haven/v1/projects/{project_name}/proxy", {
          params: { path: { project_name: project } },
          body: policy,
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["proxy", project] }),
  });
}

/** How the registry elsewhere is, asked again while the page is open. */
export function useProxyStatus(project: string) {
  return useQuery({
    queryKey: ["proxy", project, "status"],
    refetchInterval: 10_000,
    queryFn: ({ signal }) =>
      bodyOf<ProxyStatus>(
        api.GET("/api/haven/v1/projects/{project_name}/proxy/status", {
          params: { path: { project_name: project } },
          signal,
        }),
      ),
  });
}

/** Changes metadata of a project; what isn't given stays. */
export function useSaveMetadata(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (metadata: Record<string, string>) =>
      bodyOf(
        api.PUT("/api/v2.0/projects/{project_name_or_id}", {
          params: {
            path: { project_name_or_id: project },
            header: { "X-Is-Resource-Name": true },
          },
          body: { metadata },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["projects"] }),
  });
}
