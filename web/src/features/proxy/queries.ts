import { useQuery } from "@tanstack/react-query";
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
