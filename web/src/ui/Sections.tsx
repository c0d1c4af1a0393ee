import { Link, type LinkProps, useRouterState } from "@tanstack/react-router";
import type { ReactNode } from "react";
import classes from "./Sections.module.css";
import { useHereInSight } from "./useHereInSight";

export interface SectionLink {
  title: string;
  link: LinkProps;
}

export interface SectionGroup {
  title: string;
  links: SectionLink[];
}

interface Props {
  /** What the places belong to, for those who don't see them. */
  label: string;
  groups: SectionGroup[];
  children: ReactNode;
}

/** Pages that belong together: their names at the side, on narrow screens above, and the one that is shown. */
export function Sections({ label, groups, children }: Props) {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const count = groups.reduce((sum, group) => sum + group.links.length, 0);
  const nav = useHereInSight<HTMLElement>(`${path} ${count}`);

  return (
    <div className={classes.sections}>
      <nav ref={nav} className={classes.nav} aria-label={label}>
        {groups
          .filter((group) => group.links.length > 0)
          .map((group) => (
            <div key={group.title} className={classes.group}>
              <p className={classes.title}>{group.title}</p>
              <ul>
                {group.links.map(({ title, link }) => (
                  <li key={title}>
                    <Link {...link} className={classes.link} activeOptions={{ exact: false }}>
                      {title}
                    </Link>
                  </li>
                ))}
              </ul>
            </div>
          ))}
      </nav>
      <div className={classes.content}>{children}</div>
    </div>
  );
}
