import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useInfiniteQuery,
  useQuery,
} from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../api/client";
import { isUnderWay } from "../../ui/Status";
import { artifactPath, type PlaceProps, repositoryPath } from "./place";

export type Artifact = Schema["Artifact"];
export type Tag = Schema["Tag"];
export type Label = Schema["Label"];
export type Layer = Schema["ArtifactLayer"];
export type Naming = Schema["TagNaming"];
export type Accessory = Schema["Accessory"];
export type Verdict = Schema["GateVerdict"];

const perRequest = 100;

export interface ArtifactFilter {
  /** The API's `q`. */
  q: string | undefined;
  sort: string;
}

/** The artifacts of a repository with their tags, a hundred at a time, as far as somebody scrolled. */
export function artifactsQuery(place: PlaceProps, filter: ArtifactFilter) {
  return infiniteQueryOptions({
    queryKey: ["artifacts", place.project, place.repository, "list", filter],
    placeholderData: keepPreviousData,
    initialPageParam: 1,
    queryFn: ({ signal, pageParam }) =>
      pageOf<Artifact>(
        api.GET("/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts", {
          params: {
            path: repositoryPath(place),
            query: {
              q: filter.q,
              page: pageParam,
              page_size: perRequest,
              sort: filter.sort,
              with_tag: true,
              with_label: true,
              with_scan_overview: true,
              with_accessory: true,
              with_immutable_status: true,
            },
          },
          signal,
        }),
      ),
    getNextPageParam: (last, all) =>
      all.length * perRequest < last.total ? all.length + 1 : undefined,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some(isBeingScanned)) ? 3000 : false,
  });
}

export function useArtifacts(place: PlaceProps, filter: ArtifactFilter, enabled: boolean) {
  return useInfiniteQuery({ ...artifactsQuery(place, filter), enabled });
}

export function overviewOf(artifact: Artifact): Schema["NativeReportSummary"] | undefined {
  return Object.values(artifact.scan_overview ?? {})[0];
}

export function isBeingScanned(artifact: Artifact): boolean {
  return (
    isUnderWay(overviewOf(artifact)?.scan_status) || isUnderWay(artifact.sbom_overview?.scan_status)
  );
}

export function artifactQuery(place: PlaceProps, reference: string) {
  return queryOptions({
    queryKey: ["artifacts", place.project, place.repository, "one", reference],
    queryFn: ({ signal }) =>
      bodyOf<Artifact>(
        api.GET(
          "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}",
          {
            params: {
              path: artifactPath(place, reference),
              query: {
                with_tag: true,
                with_accessory: true,
                with_label: true,
                with_scan_overview: true,
                with_sbom_overview: true,
                with_immutable_status: true,
              },
            },
            signal,
          },
        ),
      ),
    refetchInterval: ({ state }) => (state.data && isBeingScanned(state.data) ? 2000 : false),
  });
}

export function useArtifact(place: PlaceProps, reference: string) {
  return useQuery(artifactQuery(place, reference));
}

/** A document that comes with an artifact, as text. Its author wrote it: nothing to trust. */
export function useAddition(place: PlaceProps, artifact: Artifact, addition: string) {
  const digest = artifact.digest ?? "";
  return useQuery({
    queryKey: ["artifacts", place.project, place.repository, "addition", digest, addition],
    enabled: !!artifact.addition_links?.[addition],
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<string>(
        api.GET(
          "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/{addition}",
          {
            params: { path: { ...artifactPath(place, digest), addition } },
            parseAs: "text",
            signal,
          },
        ),
      ),
  });
}

export function useLayers(place: PlaceProps, artifact: Artifact) {
  const digest = artifact.digest ?? "";
  return useQuery({
    queryKey: ["artifacts", place.project, place.repository, "layers", digest],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) =>
      bodyOf<Layer[]>(
        api.GET(
          "/api/haven/v1/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/layers",
          { params: { path: artifactPath(place, digest) }, signal },
        ),
      ),
  });
}

/** What a tag named, the newest first. */
export function useTagHistory(place: PlaceProps, tag: string) {
  return useQuery({
    queryKey: ["artifacts", place.project, place.repository, "tag-history", tag],
    enabled: tag !== "",
    queryFn: ({ signal }) =>
      bodyOf<Naming[]>(
        api.GET(
          "/api/haven/v1/projects/{project_name}/repositories/{repository_name}/tags/{tag_name}/history",
          {
            params: {
              path: { ...repositoryPath(place), tag_name: tag },
              query: { page_size: 100 },
            },
            signal,
          },
        ),
      ),
  });
}

/** What refers to an artifact; asked for one by one, as a tree is opened. */
export function useAccessories(place: PlaceProps, digest: string, enabled: boolean) {
  return useQuery({
    queryKey: ["artifacts", place.project, place.repository, "accessories", digest],
    enabled,
    queryFn: ({ signal }) =>
      pageOf<Accessory>(
        api.GET(
          "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/accessories",
          {
            params: { path: artifactPath(place, digest), query: { page: 1, page_size: 100 } },
            signal,
          },
        ),
      ),
  });
}

/** Whether an artifact may be pulled, and why not. */
export function useVerdict(place: PlaceProps, digest: string) {
  return useQuery({
    queryKey: ["artifacts", place.project, place.repository, "gate", digest],
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<Verdict>(
        api.GET(
          "/api/haven/v1/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/gate",
          { params: { path: artifactPath(place, digest) }, signal },
        ),
      ),
  });
}

/** Whether the caller's rights suffice for a pull, and why not. */
export function useMayPull(place: PlaceProps, enabled: boolean) {
  return useQuery({
    queryKey: ["explain", place.project, place.repository, "pull"],
    enabled,
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<Schema["AccessExplanation"]>(
        api.GET("/api/haven/v1/explain", {
          params: {
            query: {
              action: "pull",
              resource: "repository",
              project: place.project,
              repository: place.repository,
            },
          },
          signal,
        }),
      ),
  });
}

/** The labels that artifacts of a project can carry: its own, and those for all. */
export function useLabels(projectId: number | undefined, enabled = true) {
  return useQuery({
    queryKey: ["labels", "of-project", projectId],
    enabled: enabled && projectId !== undefined,
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const some = (query: { scope: "g" | "p"; project_id?: number }) =>
        pageOf<Label>(
          api.GET("/api/v2.0/labels", {
            params: { query: { ...query, page: 1, page_size: 100, sort: "name" } },
            signal,
          }),
        );
      const [own, general] = await Promise.all([
        some({ scope: "p", project_id: projectId as number }),
        some({ scope: "g" }),
      ]);
      return [...own.items, ...general.items];
    },
  });
}
