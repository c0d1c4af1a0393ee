import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf } from "../../api/client";
import { type Doomed, deleteAll, deleteRepository, forEach } from "./deletions";
import { artifactPath, type PlaceProps, repositoryPath } from "./place";

/**
 * What has to be read anew when something in a repository changed. What is about digests that are gone
 * is left alone: their page may still be there for a moment.
 */
export function useChanged() {
  const client = useQueryClient();
  return (gone: (string | undefined)[] = []) =>
    Promise.all(
      [["artifacts"], ["repositories"], ["scans"], ["signatures"], ["projects"]].map((queryKey) =>
        client.invalidateQueries({
          queryKey,
          predicate: (query) =>
            !query.queryKey.some((part) => typeof part === "string" && gone.includes(part)),
        }),
      ),
    );
}

/** Deletes tags or artifacts. Who asks reads anew, once no page shows what is gone; after an undo that is done here. */
export function useDeletion(place: PlaceProps) {
  const changed = useChanged();
  return useMutation({
    mutationFn: async (doomed: Doomed[]) => {
      const { undo, ...rest } = await deleteAll(place, doomed);
      return { ...rest, ...(undo && { undo: () => undo().finally(() => changed()) }) };
    },
  });
}

export function useDeleteRepository(place: PlaceProps) {
  const changed = useChanged();
  return useMutation({
    mutationFn: async () => {
      const { undo, ...rest } = await deleteRepository(place);
      return { ...rest, ...(undo && { undo: () => undo().finally(() => changed()) }) };
    },
  });
}

export function useDescription(place: PlaceProps) {
  const changed = useChanged();
  return useMutation({
    mutationFn: (description: string) =>
      bodyOf(
        api.PUT("/api/v2.0/projects/{project_name}/repositories/{repository_name}", {
          params: { path: repositoryPath(place) },
          body: { description },
        }),
      ),
    onSuccess: () => changed(),
  });
}

export interface Labelling {
  digests: string[];
  label: number;
  on: boolean;
}

function setLabel(place: PlaceProps, digest: string, { label, on }: Labelling) {
  const path = artifactPath(place, digest);
  if (on) {
    return bodyOf(
      api.POST(
        "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels",
        { params: { path }, body: { id: label } },
      ),
    );
  }
  return bodyOf(
    api.DELETE(
      "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels/{label_id}",
      { params: { path: { ...path, label_id: label } } },
    ),
  );
}

/** Puts a label on artifacts, or takes it off. */
export function useLabelling(place: PlaceProps) {
  const changed = useChanged();
  return useMutation({
    mutationFn: async (labelling: Labelling) => {
      const failures = await forEach(labelling.digests, (digest) =>
        setLabel(place, digest, labelling),
      );
      if (failures.length > 0 && failures.length === labelling.digests.length) throw failures[0];
      return { done: labelling.digests.length - failures.length, failures };
    },
    onSettled: () => changed(),
  });
}

export function useNewTag(place: PlaceProps, digest: string) {
  const changed = useChanged();
  return useMutation({
    mutationFn: (name: string) =>
      bodyOf(
        api.POST(
          "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags",
          { params: { path: artifactPath(place, digest) }, body: { name } },
        ),
      ),
    onSuccess: () => changed(),
  });
}

export type ScanKind = "vulnerability" | "sbom";

/** Has artifacts scanned, or bills of materials made of them. */
export function useScan(place: PlaceProps, kind: ScanKind = "vulnerability") {
  const changed = useChanged();
  return useMutation({
    mutationFn: async (digests: string[]) => {
      const failures = await forEach(digests, (digest) =>
        bodyOf(
          api.POST(
            "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan",
            { params: { path: artifactPath(place, digest) }, body: { scan_type: kind } },
          ),
        ),
      );
      if (failures.length > 0 && failures.length === digests.length) throw failures[0];
      return { done: digests.length - failures.length, failures };
    },
    onSettled: () => changed(),
  });
}

export function useStopScan(place: PlaceProps, kind: ScanKind = "vulnerability") {
  const changed = useChanged();
  return useMutation({
    mutationFn: (digest: string) =>
      bodyOf(
        api.POST(
          "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan/stop",
          { params: { path: artifactPath(place, digest) }, body: { scan_type: kind } },
        ),
      ),
    onSettled: () => changed(),
  });
}
