import { Trans } from "@lingui/react/macro";
import { IconLock, IconWorld } from "@tabler/icons-react";
import type { Project } from "./queries";
import classes from "./Visibility.module.css";

export function isPublic(project: Project): boolean {
  return project.metadata?.public === "true";
}

/** Public or private, as a word and a sign. */
export function Visibility({ project }: { project: Project }) {
  return (
    <span className={classes.visibility}>
      {isPublic(project) ? <IconWorld size={16} aria-hidden /> : <IconLock size={16} aria-hidden />}
      {isPublic(project) ? <Trans>Public</Trans> : <Trans>Private</Trans>}
    </span>
  );
}
