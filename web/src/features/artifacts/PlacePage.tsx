import { getRouteApi } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { Loading } from "../../ui/states";
import { placeOf } from "./address";

const ArtifactPage = lazy(() =>
  import("./ArtifactPage").then((module) => ({ default: module.ArtifactPage })),
);
const RepositoryPage = lazy(() =>
  import("./RepositoryPage").then((module) => ({ default: module.RepositoryPage })),
);

const route = getRouteApi("/p/$project/r/$");

/** Repository names hold slashes, so one route serves repositories and their artifacts. */
export function PlacePage() {
  const { project, _splat } = route.useParams();
  const { repository, digest } = placeOf(_splat ?? "");
  return (
    <Suspense fallback={<Loading />}>
      {digest ? (
        <ArtifactPage project={project} repository={repository} digest={digest} />
      ) : (
        <RepositoryPage project={project} repository={repository} />
      )}
    </Suspense>
  );
}
