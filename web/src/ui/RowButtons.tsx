import type { ReactNode } from "react";
import classes from "./RowButtons.module.css";

/** The buttons of a row of a table: in one line, as long as rows are lines. */
export function RowButtons({ children }: { children: ReactNode }) {
  return <div className={classes.buttons}>{children}</div>;
}
