import { useLingui } from "@lingui/react/macro";
import { IconHome, IconStack2 } from "@tabler/icons-react";
import { Link, useRouterState } from "@tanstack/react-router";
import classes from "./Rail.module.css";

/** The places one always reaches: a rail, icons on narrow screens, a bar below on phones. */
export function Rail() {
  const { t } = useLingui();
  const inProject = useRouterState({ select: (s) => s.location.pathname.startsWith("/p/") });
  return (
    <nav className={classes.rail} aria-label={t`Places`}>
      <Link to="/" className={classes.brand} aria-label="Haven">
        <img src="/favicon.svg" alt="" width={24} height={24} />
        <span>Haven</span>
      </Link>
      <ul>
        <li>
          <Link to="/" className={classes.place} activeOptions={{ exact: true }}>
            <IconHome size={20} aria-hidden />
            <span>{t`Home`}</span>
          </Link>
        </li>
        <li>
          <Link to="/projects" className={classes.place} data-within={inProject}>
            <IconStack2 size={20} aria-hidden />
            <span>{t`Projects`}</span>
          </Link>
        </li>
      </ul>
    </nav>
  );
}
