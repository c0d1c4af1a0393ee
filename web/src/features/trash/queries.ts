import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";
import { useRenew } from "../../api/renew";

export type Deletion = Schema["Deletion"];
export type Undone = Schema["Undone"];
export type DeletedProject = Schema["DeletedProject"];
export type DeletedArtifact = Schema["DeletedArtifact"];

export interface TrashFilter {
  kind?: Deletion["kind"];
  run?: number;
}

const pageSize = 50;

/** Where a page goes on after a full one: below its last id. */
function nextOf(page: { id: number }[]): number | undefined {
  return page.length < pageSize ? undefined : page.at(-1)?.id;
}

/** What was deleted in a project and can be restored, the newest first. */
export function useTrash(project: string, filter: TrashFilter) {
  return useInfiniteQuery({
    queryKey: ["trash", project, filter],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      bodyOf<Deletion[]>(
        api.GET("/api/haven/v1/projects/{project_name}/trash", {
          params: {
            path: { project_name: project },
            query: { ...filter, before: pageParam, page_size: pageSize },
          },
          signal,
        }),
      ),
    getNextPageParam: nextOf,
  });
}

/**
 * What a deletion keeps. It is asked for anew when the list says that something of it was restored, and not with the list:
 * the deletion may be gone by then.
 */
export function useContents(project: string, deletion: Deletion) {
  const { id, artifacts, bytes } = deletion;
  return useQuery({
    queryKey: ["deleted-artifacts", project, id, artifacts, bytes],
    queryFn: ({ signal }) =>
      bodyOf<DeletedArtifact[]>(
        api.GET("/api/haven/v1/projects/{project_name}/trash/{deletion_id}/artifacts", {
          params: { path: { project_name: project, deletion_id: id } },
          signal,
        }),
      ),
  });
}

/** A change after which other repositories, artifacts and deletions are there. */
function useChange<T, R>(change: (given: T) => Promise<R>) {
  return useMutation({
    mutationFn: change,
    onSettled: useRenew("trash", "repositories", "artifacts", "projects", "retention-preview"),
  });
}

export interface Restoring {
  deletion: number;
  /** Of several, this artifact alone. */
  digest?: string;
}

async function restore(project: string, { deletion, digest }: Restoring): Promise<Undone> {
  return bodyOf<Undone>(
    api.POST("/api/haven/v1/projects/{project_name}/trash/{deletion_id}/restore", {
      params: {
        path: { project_name: project, deletion_id: deletion },
        query: digest ? { digest } : {},
      },
    }),
  );
}

/** Undoes deletions, the newest first: what is a part of something else went after it. */
export function useRestore(project: string) {
  return useChange(async (all: Restoring[]) => {
    const undone: Undone = { manifests: 0, tags: 0, tags_taken: [] };
    for (const each of [...all].sort((one, other) => other.deletion - one.deletion)) {
      const step = await restore(project, each);
      undone.manifests += step.manifests;
      undone.tags += step.tags;
      undone.tags_taken = [...undone.tags_taken, ...step.tags_taken];
    }
    return undone;
  });
}

/** Undoes all that a run of retention deleted. */
export function useUndoRun(project: string) {
  return useChange((run: number) =>
    bodyOf<Undone>(
      api.POST("/api/haven/v1/projects/{project_name}/trash/runs/{execution_id}/restore", {
        params: { path: { project_name: project, execution_id: run } },
      }),
    ),
  );
}

/** Takes a deletion away for good. */
export function usePurge(project: string) {
  return useChange((deletion: number) =>
    bodyOf(
      api.DELETE("/api/haven/v1/projects/{project_name}/trash/{deletion_id}", {
        params: { path: { project_name: project, deletion_id: deletion } },
      }),
    ),
  );
}

/** Takes away for good all that was deleted in a project. */
export function useEmptyTrash(project: string) {
  return useChange(() =>
    bodyOf(
      api.DELETE("/api/haven/v1/projects/{project_name}/trash", {
        params: { path: { project_name: project } },
      }),
    ),
  );
}

/** Takes away for good all that was deleted, in all projects. */
export function useEmptyAll() {
  return useChange(() => bodyOf(api.DELETE("/api/haven/v1/trash")));
}

/** Deleted projects that can be restored, the newest first. */
export function useDeletedProjects() {
  return useInfiniteQuery({
    queryKey: ["trash", "projects"],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      bodyOf<DeletedProject[]>(
        api.GET("/api/haven/v1/trash/projects", {
          params: { query: { before: pageParam, page_size: pageSize } },
          signal,
        }),
      ),
    getNextPageParam: nextOf,
  });
}

export interface RestoringProject {
  id: number;
  /** With the repositories that were deleted in it. */
  repositories: boolean;
}

export function useRestoreProject() {
  return useChange(({ id, repositories }: RestoringProject) =>
    bodyOf<Undone>(
      api.POST("/api/haven/v1/trash/projects/{project_id}/restore", {
        params: { path: { project_id: id }, query: { with_repositories: repositories } },
      }),
    ),
  );
}
