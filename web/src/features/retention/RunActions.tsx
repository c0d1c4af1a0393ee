import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useNotices } from "../../ui/Notices";
import { isUnderWay } from "../../ui/Status";
import { Failed } from "../../ui/states";
import { When } from "../../ui/When";
import { useProject } from "../projects/queries";
import { useMay } from "../session/may";
import { useTrash, useUndoRun } from "../trash/queries";
import { useUndoneWords } from "../trash/words";
import classes from "./retention.module.css";
import { type Run, useStopRun } from "./runs";

interface Props {
  project: string;
  policy: number;
  run: Run;
}

/** What can be done about a run: stop it while it goes on, undo it after. */
export function RunActions({ project, policy, run }: Props) {
  const { t } = useLingui();
  const may = useMay(useProject(project).data?.project_id);
  const stop = useStopRun(policy);
  if (isUnderWay(run.status)) {
    return (
      <>
        <Button variant="default" loading={stop.isPending} onClick={() => stop.mutate(run.id ?? 0)}>
          <Trans>Stop run</Trans>
        </Button>
        {stop.isError && <Failed what={t`The run was not stopped.`} error={stop.error} />}
      </>
    );
  }
  if (run.dry_run || !may("repository", "delete")) return null;
  return <Undo project={project} run={run.id ?? 0} />;
}

/** Brings back what a run deleted, as long as any of it is kept. */
function Undo({ project, run }: { project: string; run: number }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const told = useUndoneWords();
  const kept = useTrash(project, { run });
  const undo = useUndoRun(project);
  const first = kept.data?.pages[0]?.[0];
  if (!kept.data) return null;
  if (!first) {
    return (
      <span className={classes.facts}>
        <Trans>Nothing that it deleted is kept to be restored.</Trans>
      </span>
    );
  }
  return (
    <div className={classes.head}>
      <span className={classes.facts}>
        <Trans>
          Can be undone, the last time <When time={first.until} />
        </Trans>
      </span>
      <Link to="/p/$project/settings/trash" params={{ project }} search={{ run }}>
        <Trans>What it deleted</Trans>
      </Link>
      <Button
        loading={undo.isPending}
        onClick={() => undo.mutate(run, { onSuccess: (undone) => say(told(undone)) })}
      >
        <Trans>Undo run</Trans>
      </Button>
      {undo.isError && <Failed what={t`The run was not undone.`} error={undo.error} />}
    </div>
  );
}
