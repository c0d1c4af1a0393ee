import type { ReactNode } from "react";
import { Breadcrumbs, type Crumb } from "./Breadcrumbs";
import classes from "./Page.module.css";

interface Props {
  title: string;
  /** The places above this one. */
  crumbs?: Crumb[];
  /** Beside the name of this place in the path: the way to others of its kind. */
  beside?: ReactNode;
  /** Facts about what is shown, in one line under the title. */
  facts?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A page: where it is, what it is called, what can be done, what it shows. */
export function Page({ title, crumbs, beside, facts, actions, children }: Props) {
  return (
    <div className={classes.page}>
      <title>{`${title} · Haven`}</title>
      {crumbs && <Breadcrumbs crumbs={crumbs} here={title} beside={beside} />}
      <div className={classes.head}>
        <div className={classes.heading}>
          <h1>{title}</h1>
          {facts && <div className={classes.facts}>{facts}</div>}
        </div>
        {actions && <div className={classes.actions}>{actions}</div>}
      </div>
      {children}
    </div>
  );
}

interface SectionProps {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}

/** A part of a page with a heading of its own. */
export function Section({ title, actions, children }: SectionProps) {
  return (
    <section className={classes.section} aria-label={title}>
      <div className={classes.sectionHead}>
        <h2>{title}</h2>
        {actions}
      </div>
      {children}
    </section>
  );
}
