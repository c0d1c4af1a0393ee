import { Trans } from "@lingui/react/macro";
import { useEffect, useRef } from "react";
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
export function End({ rows, total, shown, more, onMore }: Props) {
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
      {shown < total ? (
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
