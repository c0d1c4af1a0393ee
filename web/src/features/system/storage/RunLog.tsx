import { useLingui } from "@lingui/react/macro";
import { isUnderWay } from "../../../ui/Status";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { type Run, type Upkeep, useRunLog } from "./upkeep";

/** What a run has to tell, live while it goes on. */
export function RunLog({ upkeep, run }: { upkeep: Upkeep; run: Run }) {
  const { t } = useLingui();
  const log = useRunLog(upkeep, run.id ?? 0, isUnderWay(run.job_status));
  return (
    <Shown query={log} what={t`The log can't be shown.`} rows={2}>
      {(text) => (
        <section aria-label={t`Log`}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long log scrolls by keyboard too */}
          <pre className={classes.log} tabIndex={0}>
            {text}
          </pre>
        </section>
      )}
    </Shown>
  );
}
