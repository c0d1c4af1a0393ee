import { Link, type LinkProps } from "@tanstack/react-router";
import classes from "./TabLinks.module.css";
import { useHereInSight } from "./useHereInSight";

export interface TabLink {
  title: string;
  link: LinkProps;
  /** Whether this one is shown. */
  here: boolean;
}

/** The parts of a page that are shown one at a time; which one stands in the address. */
export function TabLinks({ label, tabs }: { label: string; tabs: TabLink[] }) {
  const here = tabs.find((tab) => tab.here)?.title;
  const nav = useHereInSight<HTMLElement>(`${here} ${tabs.length}`);
  return (
    <nav ref={nav} className={classes.tabs} aria-label={label}>
      <ul>
        {tabs.map(({ title, link, here }) => (
          <li key={title}>
            <Link
              {...link}
              className={classes.tab}
              activeProps={{}}
              activeOptions={{ exact: true, includeSearch: true }}
              aria-current={here ? "page" : undefined}
              resetScroll={false}
            >
              {title}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
