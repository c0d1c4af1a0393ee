import { useLingui } from "@lingui/react/macro";
import { Link, type LinkProps } from "@tanstack/react-router";
import classes from "./Breadcrumbs.module.css";

export interface Crumb {
  label: string;
  link: LinkProps;
}

export function Breadcrumbs({ crumbs, here }: { crumbs: Crumb[]; here: string }) {
  const { t } = useLingui();
  return (
    <nav aria-label={t`Where you are`}>
      <ol className={classes.crumbs}>
        {crumbs.map((crumb) => (
          <li key={crumb.label}>
            <Link {...crumb.link}>{crumb.label}</Link>
          </li>
        ))}
        <li aria-current="page">{here}</li>
      </ol>
    </nav>
  );
}
