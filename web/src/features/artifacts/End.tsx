import { Trans } from "@lingui/react/macro";
import { useEffect, useRef } from "react";
import { useNumber } from "../../ui/useNumber";
import classes from "./artifacts.module.css";

interface Props {
  rows: number;
  /** Artifacts, of which so many are shown. */
  total: number;
  shown: number;
  more: boolean;
  onMore: () => void;
}

/** The foot of a list that grows while somebody scrolls towards it: says how much of it is there. */
export function End({ more, onMore, ...counts }: Props) {
  const number = useNumber();
  const rows = number(counts.rows);
  const total = number(counts.total);
  const shown = number(counts.shown);
  const foot = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    const element = foot.current;
    if (!more || !element || typeof IntersectionObserver === "undefined") return;
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && onMore(),
      { rootMargin: "1500px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [more, onMore]);
  return (
    <p ref={foot} className={classes.end} role="status">
      {counts.shown < counts.total ? (
        <Trans>
          Rows: {rows}, of {shown} artifacts; {total} artifacts in all. More come as you scroll.
        </Trans>
      ) : (
        <Trans>
          Rows: {rows}, artifacts: {total}. That is all.
        </Trans>
      )}
    </p>
  );
}
