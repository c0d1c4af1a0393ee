import { useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Page } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { ExecutionActions } from "../jobs/ExecutionActions";
import { LiveExecution } from "../jobs/LiveExecution";
import { type Execution, useExecution } from "../jobs/queries";
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
  const navigate = route.useNavigate();
  const run = useRun(execution.id);
  return (
    <LiveExecution
      execution={execution}
      search={route.useSearch()}
      onSearch={(search, replace = false) => navigate({ search, replace })}
      also={[["replication", "run", execution.id]]}
    >
      {run.data?.status_text && <p>{run.data.status_text}</p>}
    </LiveExecution>
  );
}
