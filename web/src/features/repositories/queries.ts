import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { api, bodyOf, contains, inPath, pageOf, type Schema } from "../../api/client";

export type Repository = Schema["Repository"];

export const repositoriesPerPage = 25;

export interface RepositoryFilter {
  q: string;
  page: number;
}

export function repositoriesQuery(project: string, { q, page }: RepositoryFilter) {
  return queryOptions({
    queryKey: ["repositories", project, { q, page }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Repository>(
        api.GET("/api/v2.0/projects/{project_name}/repositories", {
          params: {
            path: { project_name: project },
            query: {
              q: contains("name", q),
              page,
              page_size: repositoriesPerPage,
              sort: "-update_time",
            },
          },
          signal,
        }),
      ),
  });
}

export function useRepositories(project: string, filter: RepositoryFilter) {
  return useQuery(repositoriesQuery(project, filter));
}

export function repositoryQuery(project: string, repository: string) {
  return queryOptions({
    queryKey: ["repositories", project, "one", repository],
    queryFn: ({ signal }) =>
      bodyOf<Repository>(
        api.GET("/api/v2.0/projects/{project_name}/repositories/{repository_name}", {
          params: { path: { project_name: project, repository_name: inPath(repository) } },
          signal,
        }),
      ),
  });
}

/** A repository's name without its project. */
export function nameInProject(repository: Repository, project: string): string {
  return (repository.name ?? "").replace(`${project}/`, "");
}
