import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { api, bodyOf, contains, inPath, pageOf, type Schema } from "../../api/client";

export type Artifact = Schema["Artifact"];
export type Tag = Schema["Tag"];

export const artifactsPerPage = 25;

export interface ArtifactFilter {
  q: string;
  page: number;
  /** Show what no tag names, too. */
  untagged: boolean;
}

function filterText({ q, untagged }: ArtifactFilter): string | undefined {
  return contains("tags", q) ?? (untagged ? undefined : "tags=*");
}

export function artifactsQuery(project: string, repository: string, filter: ArtifactFilter) {
  return queryOptions({
    queryKey: ["artifacts", project, repository, filter],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Artifact>(
        api.GET("/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts", {
          params: {
            path: { project_name: project, repository_name: inPath(repository) },
            query: {
              q: filterText(filter),
              page: filter.page,
              page_size: artifactsPerPage,
              sort: "-push_time",
              with_tag: true,
            },
          },
          signal,
        }),
      ),
  });
}

export function useArtifacts(project: string, repository: string, filter: ArtifactFilter) {
  return useQuery(artifactsQuery(project, repository, filter));
}

export function artifactQuery(project: string, repository: string, digest: string) {
  return queryOptions({
    queryKey: ["artifacts", project, repository, "one", digest],
    queryFn: ({ signal }) =>
      bodyOf<Artifact>(
        api.GET(
          "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}",
          {
            params: {
              path: {
                project_name: project,
                repository_name: inPath(repository),
                reference: digest,
              },
              query: { with_tag: true, with_accessory: true },
            },
            signal,
          },
        ),
      ),
  });
}

export function useArtifact(project: string, repository: string, digest: string) {
  return useQuery(artifactQuery(project, repository, digest));
}

/** A step of an image's build: the command, and whether it made a layer. */
export interface BuildStep {
  created?: string;
  created_by?: string;
  empty_layer?: boolean;
}

/** The build steps of an image, oldest first. Only asked for where the artifact offers them. */
export function useBuildHistory(project: string, repository: string, artifact: Artifact) {
  const digest = artifact.digest ?? "";
  return useQuery({
    queryKey: ["artifacts", project, repository, "history", digest],
    enabled: !!artifact.addition_links?.build_history,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) =>
      bodyOf<BuildStep[]>(
        api.GET(
          "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/{addition}",
          {
            params: {
              path: {
                project_name: project,
                repository_name: inPath(repository),
                reference: digest,
                addition: "build_history",
              },
            },
            signal,
          },
        ) as unknown as Promise<{ data?: BuildStep[]; error?: unknown; response: Response }>,
      ),
  });
}
