import { useLingui } from "@lingui/react/macro";
import { type KeyboardEvent, type PointerEvent, useState } from "react";
import { areaPath, linePath, niceTop, pointsOf, stacked } from "./chart";
import classes from "./TrendChart.module.css";

export interface Series {
  name: string;
  values: number[];
  tone: "accent" | "critical" | "high" | "medium" | "low";
}

interface Props {
  title: string;
  days: string[];
  /** Those of more than one lie on each other. */
  series: Series[];
  format: (value: number) => string;
  formatDay: (day: string) => string;
  binary?: boolean;
}

/** Values over days, as areas; each day's are told on hover and by the arrow keys. */
export function TrendChart({ title, days, series, format, formatDay, binary = false }: Props) {
  const { t } = useLingui();
  const [pointed, setPointed] = useState<number>();
  const lines = stacked(series.map((each) => each.values));
  const top = niceTop(Math.max(0, ...lines.flat()), binary);
  const points = lines.map((line) => pointsOf(line, top));
  const last = days.length - 1;
  const at = Math.min(pointed ?? last, last);
  const value = words(series, at, format);
  const day = formatDay(days[at] ?? "");

  function press(event: KeyboardEvent) {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setPointed(Math.max(0, Math.min(to, last)));
  }

  function point(event: PointerEvent<HTMLDivElement>) {
    const box = event.currentTarget.getBoundingClientRect();
    setPointed(Math.round(((event.clientX - box.left) / Math.max(box.width, 1)) * last));
  }

  return (
    <figure className={classes.chart}>
      <figcaption className={classes.head}>
        <span className={classes.title}>{title}</span>
        <span className={classes.value}>
          {value} <span className={classes.day}>{day}</span>
        </span>
      </figcaption>
      <div className={classes.plot}>
        <div className={classes.scale} aria-hidden>
          <span>{format(top)}</span>
          <span>{format(0)}</span>
        </div>
        <div
          className={classes.area}
          role="slider"
          tabIndex={0}
          aria-label={t`${title}, by day`}
          aria-valuemin={0}
          aria-valuemax={last}
          aria-valuenow={at}
          aria-valuetext={`${day}: ${value}`}
          onKeyDown={press}
          onPointerMove={point}
          onPointerLeave={() => setPointed(undefined)}
          onBlur={() => setPointed(undefined)}
        >
          <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden>
            {series.map(({ name, tone }, index) => (
              <g key={name} className={classes[tone]}>
                <path
                  className={classes.fill}
                  d={areaPath(points[index] ?? [], points[index - 1])}
                />
                <path className={classes.line} d={linePath(points[index] ?? [])} />
              </g>
            ))}
            {pointed !== undefined && last > 0 && (
              <path className={classes.at} d={`M${(at / last) * 100} 0V100`} />
            )}
          </svg>
        </div>
      </div>
      <div className={classes.ends} aria-hidden>
        <span>{formatDay(days[0] ?? "")}</span>
        {last > 0 && <span>{formatDay(days[last] ?? "")}</span>}
      </div>
      {series.length > 1 && (
        <ul className={classes.legend}>
          {series.map(({ name, tone }) => (
            <li key={name}>
              <span className={`${classes.key} ${classes[tone] ?? ""}`} aria-hidden /> {name}
            </li>
          ))}
        </ul>
      )}
    </figure>
  );
}

function words(series: Series[], at: number, format: (value: number) => string): string {
  if (series.length === 1) return format(series[0]?.values[at] ?? 0);
  return [...series]
    .reverse()
    .map(({ name, values }) => `${name} ${format(values[at] ?? 0)}`)
    .join(", ");
}
