import { Trans } from "@lingui/react/macro";
import type { Artifact } from "./queries";

/** The kind of an artifact in a word; kinds without one are shown as the API names them. */
export function TypeName({ artifact }: { artifact: Artifact }) {
  switch (artifact.type) {
    case "IMAGE":
      return <Trans>Image</Trans>;
    case "CHART":
      return <Trans>Helm chart</Trans>;
    case "":
    case undefined:
    case "UNKNOWN":
      return <Trans>Artifact</Trans>;
    default:
      return <>{artifact.type}</>;
  }
}
