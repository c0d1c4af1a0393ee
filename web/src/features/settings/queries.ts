import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";

function place(project: string) {
  return {
    path: { project_name_or_id: project },
    header: { "X-Is-Resource-Name": true },
  };
}

/** Makes a project public or private. */
export function useSetPublic(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (isPublic: boolean) =>
      bodyOf(
        api.PUT("/api/v2.0/projects/{project_name_or_id}", {
          params: place(project),
          body: { metadata: { public: String(isPublic) } },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ["projects"] }),
  });
}

/** Whether a project can be deleted, and if not, why. */
export function useDeletable(project: string) {
  return useQuery({
    queryKey: ["projects", "deletable", project],
    queryFn: ({ signal }) =>
      bodyOf<Schema["ProjectDeletable"]>(
        api.GET("/api/v2.0/projects/{project_name_or_id}/_deletable", {
          params: place(project),
          signal,
        }),
      ),
  });
}

/** Deletes a project, and leaves its pages before what they showed is forgotten. */
export function useDeleteProject(project: string, leave: () => Promise<void>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      bodyOf(api.DELETE("/api/v2.0/projects/{project_name_or_id}", { params: place(project) })),
    onSuccess: async () => {
      await leave();
      await client.invalidateQueries({ queryKey: ["projects"] });
    },
  });
}
