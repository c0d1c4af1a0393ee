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

export function vulnerabilityPlace(cve: string): Destination {
  return { to: "/security/cve/$cve", params: { cve } };
}

export function packagePlace(name: string): Destination {
  return { to: "/security", search: { tab: "findings", package: name } };
}

export function userPlace(name: string): Destination {
  return { to: "/admin/users", search: { q: name } };
}
