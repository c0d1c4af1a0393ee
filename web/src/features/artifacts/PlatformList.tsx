import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { Digest } from "../../ui/Digest";
import { artifactSplat } from "./address";
import classes from "./artifacts.module.css";
import type { PlaceProps } from "./place";
import type { Artifact } from "./queries";
import { platformName } from "./rows";

/** The images of an index, one for each platform. */
export function PlatformList({
  project,
  repository,
  artifact,
}: PlaceProps & { artifact: Artifact }) {
  const { t } = useLingui();
  return (
    <ul className={classes.platforms} aria-label={t`Images of this index`}>
      {(artifact.references ?? []).map((child) => (
        <li key={child.child_digest}>
          <Link
            to="/p/$project/r/$"
            params={{ project, _splat: artifactSplat(repository, child.child_digest ?? "") }}
          >
            {platformName(child.platform) || t`not given`}
          </Link>
          <Digest value={child.child_digest ?? ""} />
        </li>
      ))}
    </ul>
  );
}
