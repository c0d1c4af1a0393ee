import { keepPreviousData, queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { api, bodyOf, contains, inPath, pageOf, type Schema } from "../../api/client";
import { useRenew } from "../../api/renew";

export type Repository = Schema["Repository"];

export const repositoriesPerPage = 25;

/** The most that a tree shows: the server gives no more at once. */
export const mostInTree = 10_000;

export interface RepositoryFilter {
  q: string;
  page: number;
  sort?: string;
  /** All at once. */
  all?: boolean;
}

export function repositoriesQuery(project: string, filter: RepositoryFilter) {
  const { q, page, sort = "-update_time", all = false } = filter;
  return queryOptions({
    queryKey: ["repositories", project, { q, page, sort, all }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Repository>(
        api.GET("/api/v2.0/projects/{project_name}/repositories", {
          params: {
            path: { project_name: project },
            query: {
              q: contains("name", q),
              page,
              page_size: all ? 0 : repositoriesPerPage,
              sort: all ? "name" : sort,
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

/** What a deletion left behind: its number in the trash, where the registry keeps one. */
async function deletionOf(project: string, repository: string): Promise<number | undefined> {
  const deletions = await bodyOf<Schema["Deletion"][]>(
    api.GET("/api/haven/v1/projects/{project_name}/trash", {
      params: {
        path: { project_name: project },
        query: { repository, kind: "repository", page_size: 1 },
      },
    }),
  );
  return deletions[0]?.id;
}

async function remove(project: string, repository: string): Promise<number | undefined> {
  const params = { path: { project_name: project, repository_name: inPath(repository) } };
  await bodyOf(
    api.DELETE("/api/v2.0/projects/{project_name}/repositories/{repository_name}", { params }),
  );
  return deletionOf(project, repository).catch(() => undefined);
}

/** What several deletions came to. */
export interface Removed {
  deleted: number;
  /** Takes them back; nothing where the registry keeps nothing that was deleted. */
  undo?: () => Promise<unknown>;
  /** Why not all of them went. */
  error?: unknown;
}

/** Deletes repositories, one after the other up to the first that is refused. */
export function useRemoveRepositories(project: string) {
  const changed = useRenew("repositories", "projects", "space", "trash");
  return useMutation({
    mutationFn: async (names: string[]): Promise<Removed> => {
      const kept: number[] = [];
      let deleted = 0;
      try {
        for (const name of names) {
          const id = await remove(project, name);
          deleted++;
          if (id) kept.push(id);
        }
      } catch (error) {
        return { deleted, error, ...undoOf(kept) };
      }
      return { deleted, ...undoOf(kept) };
    },
    onSettled: changed,
  });

  function undoOf(ids: number[]) {
    if (ids.length === 0) return {};
    const undo = async () => {
      for (const id of ids) {
        await bodyOf(
          api.POST("/api/haven/v1/projects/{project_name}/trash/{deletion_id}/restore", {
            params: { path: { project_name: project, deletion_id: id } },
          }),
        );
      }
      await changed();
    };
    return { undo };
  }
}
