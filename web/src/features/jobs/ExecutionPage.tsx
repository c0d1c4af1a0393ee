import { useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { asProblem } from "../../api/problem";
import { Page } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { AdministratorsOnly } from "../session/AdministratorsOnly";
import { ExecutionActions } from "./ExecutionActions";
import { useKindName } from "./KindName";
import { LiveExecution } from "./LiveExecution";
import { type Execution, useExecution } from "./queries";

const route = getRouteApi("/jobs/$execution");

/** How far one piece of work is, and its tasks with their logs, live. */
export function ExecutionPage() {
  const { t } = useLingui();
  const id = Number(route.useParams().execution);
  const execution = useExecution(id);
  const name = useKindName();
  const kind = execution.data ? name(execution.data.vendor_type) : t`Work`;
  return (
    <Page
      title={`${kind} ${id}`}
      crumbs={[{ label: t`Jobs`, link: { to: "/jobs" } }]}
      actions={execution.data && <ExecutionActions execution={execution.data} />}
    >
      <AdministratorsOnly>
        {execution.isPending && <Loading />}
        {execution.isError && (
          <Failed
            what={
              asProblem(execution.error).status === 404
                ? t`There is no such work; what is old is swept away.`
                : t`The work can't be shown.`
            }
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
  return (
    <LiveExecution
      execution={execution}
      search={route.useSearch()}
      onSearch={(search, replace = false) => navigate({ search, replace })}
    />
  );
}
