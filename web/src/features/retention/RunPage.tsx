import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Section } from "../../ui/Page";
import { isUnderWay, Status } from "../../ui/Status";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { useProjectRetention } from "./queries";
import { RunActions } from "./RunActions";
import classes from "./retention.module.css";
import { type Run, useRun } from "./runs";
import { TaskList } from "./TaskList";

const route = getRouteApi("/p/$project/settings/retention/runs/$run");

/** One run of a project's retention: what it did in each repository, and the way back. */
export function RunPage() {
  const { t } = useLingui();
  const { project, run: id } = route.useParams();
  const retention = useProjectRetention(project);
  const policy = retention.data?.policy_id ?? 0;
  const runs = useRun(policy, Number(id));
  const error = retention.error ?? runs.error;
  const title = runs.run?.dry_run ? t`Dry run ${id}` : t`Run ${id}`;
  return (
    <Section
      title={title}
      actions={runs.run && <RunActions project={project} policy={policy} run={runs.run} />}
    >
      <p>
        <Link to="/p/$project/settings/retention" params={{ project }}>
          <Trans>All runs, and the rules</Trans>
        </Link>
      </p>
      {error && (
        <Failed what={t`The run can't be shown.`} error={error} retry={() => runs.refetch()} />
      )}
      {!error && (retention.isPending || (policy > 0 && runs.isPending)) && <Loading />}
      {retention.data && !runs.run && (policy === 0 || runs.isSuccess) && (
        <Empty title={t`There is no run ${id} among the last hundred of this project.`} />
      )}
      {runs.run && <Told project={project} policy={policy} run={runs.run} />}
    </Section>
  );
}

function Told({ project, policy, run }: { project: string; policy: number; run: Run }) {
  const underWay = isUnderWay(run.status);
  return (
    <>
      <div className={classes.head}>
        <Status of={run.status} />
        <span>
          <Trans>
            Begun <When time={run.start_time} />
          </Trans>
        </span>
        {run.dry_run && (
          <span className={classes.facts}>
            <Trans>Nothing is deleted: it only tells what would go.</Trans>
          </span>
        )}
      </div>
      <TaskList project={project} policy={policy} run={run} underWay={underWay} />
    </>
  );
}
