import { useRouter } from "@tanstack/react-router";
import type { Destination } from "../../ui/destination";
import { artifactSplat } from "../artifacts/address";

export function projectPlace(project: string): Destination {
  return { to: "/p/$project", params: { project } };
}

export function repositoryPlace(project: string, repository: string): Destination {
  return { to: "/p/$project/r/$", params: { project, _splat: repository } };
}

interface ArtifactAt {
  project: string;
  repository: string;
  digest: string;
  tag?: string;
}

export function artifactPlace({ project, repository, digest, tag }: ArtifactAt): Destination {
  return {
    to: "/p/$project/r/$",
    params: { project, _splat: artifactSplat(repository, digest) },
    search: tag ? { tag } : {},
  };
}

/** Tells which of some pages there is; the first one that is. */
export function useExisting(): (candidates: string[]) => string | undefined {
  const router = useRouter();
  const known = router.routesByPath as Record<string, unknown>;
  return (candidates) => candidates.find((path) => path in known);
}
