import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Page, Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { ExecutionActions } from "../jobs/ExecutionActions";
import { ExecutionFacts } from "../jobs/ExecutionFacts";
import { type Execution, useExecution } from "../jobs/queries";
import { Tasks } from "../jobs/Tasks";
import { useWatch } from "../jobs/useWatch";
import { AdministratorsOnly } from "../session/AdministratorsOnly";
import { usePolicy, useRun } from "./queries";

const route = getRouteApi("/replication/$policy/runs/$run");

/** One run of a policy: how far it is, live, and a task for each repository that wasn't as it should be. */
export function RunPage() {
  const { t } = useLingui();
  const { policy, run } = route.useParams();
  const id = Number(run);
  const name = usePolicy(Number(policy)).data?.name ?? t`Policy ${policy}`;
  const execution = useExecution(id);
  return (
    <Page
      title={t`Run ${run}`}
      crumbs={[
        { label: t`Replication`, link: { to: "/replication" } },
        { label: name, link: { to: "/replication/$policy", params: { policy } } },
      ]}
      actions={execution.data && <ExecutionActions execution={execution.data} />}
    >
      <AdministratorsOnly>
        {execution.isPending && <Loading />}
        {execution.isError && (
          <Failed
            what={t`The run can't be shown.`}
            error={execution.error}
            retry={() => execution.refetch()}
          />
        )}
        {execution.data && <Content execution={execution.data} />}
      </AdministratorsOnly>
    </Page>
  );
}

function Content({ execution }: { execution: Execution }) {
  const { t } = useLingui();
  const { status = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const run = useRun(execution.id);
  const how = useWatch(execution, [["replication", "run", execution.id]]);
  return (
    <>
      <Section title={t`How far it is`}>
        <ExecutionFacts execution={execution} />
        {run.data?.status_text && <p>{run.data.status_text}</p>}
        {how === "polling" && (
          <p role="status">
            <Trans>
              News don't get through by themselves here; this page looks every two seconds.
            </Trans>
          </p>
        )}
      </Section>
      <Tasks
        execution={execution}
        status={status}
        page={page}
        onStatus={(value) => navigate({ search: { status: value }, replace: true })}
        onPage={(next) => navigate({ search: { status, page: next } })}
      />
    </>
  );
}
