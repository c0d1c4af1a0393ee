import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";

export type Space = Schema["ProjectSpace"];
export type SpaceOfRepository = Schema["SpaceOfRepository"];

/** The most that the server gives at once. */
const perPage = 25;

/** What takes the project's space, by repository in the order of the names. */
export function useSpace(project: string) {
  return useInfiniteQuery({
    queryKey: ["space", project],
    initialPageParam: "",
    queryFn: ({ signal, pageParam }) =>
      bodyOf<Space>(
        api.GET("/api/haven/v1/projects/{project_name}/space", {
          params: {
            path: { project_name: project },
            query: { page_size: perPage, ...(pageParam && { after: pageParam }) },
          },
          signal,
        }),
      ),
    getNextPageParam: (last) => (last.more ? last.repositories.at(-1)?.name : undefined),
  });
}

/** Changes how much a project may hold, which administrators may. A quota has its project's number. */
export function useSetLimit(projectId: number) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (bytes: number) =>
      bodyOf(
        api.PUT("/api/v2.0/quotas/{id}", {
          params: { path: { id: projectId } },
          body: { hard: { storage: bytes } },
        }),
      ),
    onSuccess: () =>
      Promise.all(
        [["space"], ["projects"]].map((queryKey) => client.invalidateQueries({ queryKey })),
      ),
  });
}
