import type { ReactNode } from "react";
import classes from "./Bars.module.css";

export interface Bar {
  key: string;
  name: ReactNode;
  value: number;
  /** The value as it is read. */
  shown: ReactNode;
  /** A colour of the theme's, where the accent isn't meant. */
  tone?: "critical" | "high" | "medium" | "low" | "unknown";
}

/** Values beside each other, as bars from a common beginning; the numbers stand behind. */
export function Bars({ label, bars }: { label: string; bars: Bar[] }) {
  const most = Math.max(1, ...bars.map((bar) => bar.value));
  return (
    <ul className={classes.bars} aria-label={label}>
      {bars.map(({ key, name, value, shown, tone }) => (
        <li key={key}>
          <span className={classes.name}>{name}</span>
          <span className={classes.track} aria-hidden>
            <span
              className={classes.bar}
              data-tone={tone}
              style={{ width: `${(value / most) * 100}%` }}
            />
          </span>
          <span className={classes.value}>{shown}</span>
        </li>
      ))}
    </ul>
  );
}
