import { useLingui } from "@lingui/react/macro";
import { Link, type LinkProps } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense } from "react";
import classes from "./Breadcrumbs.module.css";

const ProjectSwitcher = lazy(() =>
  import("../features/projects/ProjectSwitcher").then((m) => ({ default: m.ProjectSwitcher })),
);

export interface Crumb {
  label: string;
  link: LinkProps;
}

interface Props {
  crumbs: Crumb[];
  here: string;
  /** Stands beside the last one: the way to others of its kind. */
  beside?: ReactNode;
}

/** The places above this one. Beside a project stands the way to the others. */
export function Breadcrumbs({ crumbs, here, beside }: Props) {
  const { t } = useLingui();
  return (
    <nav aria-label={t`Where you are`}>
      <ol className={classes.crumbs}>
        {crumbs.map((crumb) => (
          <li key={crumb.label}>
            <Link {...crumb.link}>{crumb.label}</Link>
            {crumb.link.to === "/p/$project" && (
              <Suspense>
                <ProjectSwitcher here={crumb.label} />
              </Suspense>
            )}
          </li>
        ))}
        <li>
          <span aria-current="page">{here}</span>
          {beside}
        </li>
      </ol>
    </nav>
  );
}
