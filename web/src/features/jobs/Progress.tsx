import { useLingui } from "@lingui/react/macro";
import { useNumber } from "../../ui/useNumber";
import classes from "./Progress.module.css";
import type { Counts } from "./queries";

/** How far work is: a bar of its tasks, and the same in words. */
export function Progress({ counts }: { counts: Counts }) {
  const { t } = useLingui();
  const number = useNumber();
  const succeeded = number(counts.succeeded);
  const failed = number(counts.failed);
  const stopped = number(counts.stopped);
  const running = number(counts.running);
  const waiting = number(counts.waiting);
  const parts = [
    { key: "done", count: counts.succeeded, words: t`${succeeded} done` },
    { key: "failed", count: counts.failed, words: t`${failed} failed` },
    { key: "stopped", count: counts.stopped, words: t`${stopped} stopped` },
    { key: "running", count: counts.running, words: t`${running} running` },
    { key: "waiting", count: counts.waiting, words: t`${waiting} waiting` },
  ].filter((part) => part.count > 0);
  if (counts.total === 0) return <span className={classes.words}>{t`nothing to do`}</span>;
  return (
    <div className={classes.progress}>
      <div className={classes.bar} aria-hidden>
        {parts.map(({ key, count }) => (
          <span key={key} className={classes[key]} style={{ flexGrow: count }} />
        ))}
      </div>
      <span className={classes.words}>{parts.map((part) => part.words).join(", ")}</span>
    </div>
  );
}
