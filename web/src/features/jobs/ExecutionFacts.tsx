import { Trans, useLingui } from "@lingui/react/macro";
import { Status } from "../../ui/Status";
import { When } from "../../ui/When";
import classes from "./jobs.module.css";
import { triggers } from "./kinds";
import { Progress } from "./Progress";
import type { Execution } from "./queries";

/** What there is to know of work as a whole. */
export function ExecutionFacts({ execution }: { execution: Execution }) {
  const { i18n } = useLingui();
  const how = triggers[execution.trigger];
  return (
    <>
      <Progress counts={execution.tasks} />
      <dl className={classes.facts}>
        <div>
          <dt>
            <Trans>Status</Trans>
          </dt>
          <dd>
            <Status of={execution.status} />
          </dd>
        </div>
        <div>
          <dt>
            <Trans>Begun</Trans>
          </dt>
          <dd>
            <When time={execution.creation_time} />, {how ? i18n._(how) : execution.trigger}
          </dd>
        </div>
        {execution.started_by && (
          <div>
            <dt>
              <Trans>By</Trans>
            </dt>
            <dd>{execution.started_by}</dd>
          </div>
        )}
        {execution.end_time && (
          <div>
            <dt>
              <Trans>Ended</Trans>
            </dt>
            <dd>
              <When time={execution.end_time} />
            </dd>
          </div>
        )}
      </dl>
      {execution.status_message && <p>{execution.status_message}</p>}
    </>
  );
}
