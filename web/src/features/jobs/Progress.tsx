import { useLingui } from "@lingui/react/macro";
import classes from "./Progress.module.css";
import type { Counts } from "./queries";

/** How far work is: a bar of its tasks, and the same in words. */
export function Progress({ counts }: { counts: Counts }) {
  const { t } = useLingui();
  const { total, succeeded, failed, stopped, running, waiting } = counts;
  const parts = [
    { key: "done", count: succeeded, words: t`${succeeded} done` },
    { key: "failed", count: failed, words: t`${failed} failed` },
    { key: "stopped", count: stopped, words: t`${stopped} stopped` },
    { key: "running", count: running, words: t`${running} running` },
    { key: "waiting", count: waiting, words: t`${waiting} waiting` },
  ].filter((part) => part.count > 0);
  if (total === 0) return <span className={classes.words}>{t`nothing to do`}</span>;
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
