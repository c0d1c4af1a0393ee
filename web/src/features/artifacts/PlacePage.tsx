import { getRouteApi } from "@tanstack/react-router";
import { ArtifactPage } from "./ArtifactPage";
import { placeOf } from "./address";
import { RepositoryPage } from "./RepositoryPage";

const route = getRouteApi("/p/$project/r/$");

/** Repository names hold slashes, so one route serves repositories and their artifacts. */
export function PlacePage() {
  const { project, _splat } = route.useParams();
  const { repository, digest } = placeOf(_splat ?? "");
  if (digest) return <ArtifactPage project={project} repository={repository} digest={digest} />;
  return <RepositoryPage project={project} repository={repository} />;
}
