import { Trans } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Forbidden, Loading } from "../../ui/states";
import { type Project, useProject } from "../projects/queries";
import { type May, useKnownMay } from "../session/may";

const route = getRouteApi("/p/$project/settings");

interface Props {
  /** What one needs to see the page. */
  resource: string;
  action: string;
  children: (project: Project, may: May) => ReactNode;
}

/** A page of a project's settings for those who may see it; others learn whom to ask. */
export function Guarded({ resource, action, children }: Props) {
  const { project: name } = route.useParams();
  const project = useProject(name).data;
  const may = useKnownMay(project?.project_id);
  if (!project || may === undefined) return <Loading />;
  if (may(resource, action)) return children(project, may);
  return (
    <Forbidden>
      <p>
        <Trans>Your role in {name} doesn't let you see this. Ask one of its admins.</Trans>
      </p>
    </Forbidden>
  );
}
