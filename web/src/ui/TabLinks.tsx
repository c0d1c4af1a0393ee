import { Link, type LinkProps } from "@tanstack/react-router";
import classes from "./TabLinks.module.css";

export interface TabLink {
  key: string;
  title: string;
  link: LinkProps;
}

interface Props {
  label: string;
  tabs: TabLink[];
  current: string;
}

/** Views of one thing, each with an address of its own. */
export function TabLinks({ label, tabs, current }: Props) {
  return (
    <nav className={classes.tabs} aria-label={label}>
      <ul>
        {tabs.map(({ key, title, link }) => (
          <li key={key}>
            <Link
              {...link}
              className={classes.tab}
              activeProps={{}}
              activeOptions={{ exact: true, includeSearch: true }}
              aria-current={key === current ? "page" : undefined}
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
