import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { asProblem } from "../api/problem";
import { useKindName } from "../features/jobs/KindName";
import { Progress } from "../features/jobs/Progress";
import { type Execution, useStopExecution } from "../features/jobs/queries";
import { useEnd } from "../features/jobs/underway";
import { useUser } from "../features/session/queries";
import { Status } from "../ui/Status";
import { When } from "../ui/When";
import classes from "./Work.module.css";

interface Props {
  going: Execution[];
  more: boolean;
  ended: Execution[];
  onForget: () => void;
  /** A link was followed. */
  onLeave: () => void;
}

/** What goes on, with Stop, and what has ended since the page is open. */
export function WorkList({ going, more, ended, onForget, onLeave }: Props) {
  const { t } = useLingui();
  const admin = useUser()?.sysadmin_flag ?? false;
  return (
    <div className={classes.list}>
      <p className={classes.title}>
        <Trans>Background work</Trans>
      </p>
      {going.length === 0 && (
        <p>{admin ? t`Nothing runs or waits.` : t`Nothing that you began runs or waits.`}</p>
      )}
      {going.length > 0 && (
        <ul>
          {going.slice(0, 10).map((execution) => (
            <Going key={execution.id} execution={execution} onLeave={onLeave} />
          ))}
        </ul>
      )}
      {(more || going.length > 10) && (
        <p>
          <Trans>There is more than is shown here.</Trans>
        </p>
      )}
      {ended.length > 0 && (
        <>
          <div className={classes.line}>
            <span>
              <Trans>Ended lately</Trans>
            </span>
            <Button size="compact-xs" variant="subtle" onClick={onForget}>
              <Trans>Clear list</Trans>
            </Button>
          </div>
          <ul>
            {ended.map((execution) => (
              <Ended key={execution.id} execution={execution} onLeave={onLeave} />
            ))}
          </ul>
        </>
      )}
      {admin && (
        <Link to="/jobs" onClick={onLeave}>
          <Trans>All work</Trans>
        </Link>
      )}
    </div>
  );
}

interface ItemProps {
  execution: Execution;
  onLeave: () => void;
}

function Going({ execution, onLeave }: ItemProps) {
  const { t } = useLingui();
  const name = useKindName()(execution.vendor_type);
  const stop = useStopExecution();
  const { id } = execution;
  return (
    <li className={classes.item}>
      <div className={classes.line}>
        <Name execution={execution} onLeave={onLeave} />
        <Button
          size="compact-xs"
          variant="default"
          aria-label={t`Stop ${name} ${id}`}
          loading={stop.isPending}
          onClick={() => stop.mutate(id)}
        >
          <Trans>Stop</Trans>
        </Button>
      </div>
      <Progress counts={execution.tasks} />
      {stop.isError && <p role="alert">{asProblem(stop.error).message}</p>}
    </li>
  );
}

function Ended({ execution, onLeave }: ItemProps) {
  const end = useEnd(execution);
  return (
    <li className={classes.line}>
      <Name execution={end} onLeave={onLeave} />
      <span className={classes.end}>
        <Status of={end.status} /> <When time={end.end_time ?? undefined} />
      </span>
    </li>
  );
}

/** What the work is; for administrators the way to its page. */
function Name({ execution, onLeave }: ItemProps) {
  const admin = useUser()?.sysadmin_flag ?? false;
  const name = useKindName()(execution.vendor_type);
  const { id, vendor_type: kind, vendor_id: policy } = execution;
  if (!admin) return <span>{name}</span>;
  if (kind === "REPLICATION") {
    return (
      <Link
        to="/replication/$policy/runs/$run"
        params={{ policy: String(policy), run: String(id) }}
        onClick={onLeave}
      >
        {name} {id}
      </Link>
    );
  }
  return (
    <Link to="/jobs/$execution" params={{ execution: String(id) }} onClick={onLeave}>
      {name} {id}
    </Link>
  );
}
