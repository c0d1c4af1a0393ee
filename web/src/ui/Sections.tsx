import { Link, type LinkProps, useRouterState } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import classes from "./Sections.module.css";

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
  const nav = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });

  // On a phone the names stand in one row, wider than the screen: the present one is brought into it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: with every page another name is the present one
  useEffect(() => {
    const here = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (!nav.current || !here) return;
    nav.current.scrollLeft = here.offsetLeft - (nav.current.clientWidth - here.offsetWidth) / 2;
  }, [path]);

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
