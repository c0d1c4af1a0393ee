import { inPath } from "../../api/client";

/** Where an artifact is. */
export interface PlaceProps {
  project: string;
  repository: string;
}

/** A repository as paths of the API name it. */
export function repositoryPath({ project, repository }: PlaceProps) {
  return { project_name: project, repository_name: inPath(repository) };
}

/** An artifact, by tag or digest, as paths of the API name it. */
export function artifactPath(place: PlaceProps, reference: string) {
  return { ...repositoryPath(place), reference };
}
