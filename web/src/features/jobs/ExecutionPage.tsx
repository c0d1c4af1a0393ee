import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { asProblem } from "../../api/problem";
import { Page, Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { AdministratorsOnly } from "../session/AdministratorsOnly";
import { ExecutionActions } from "./ExecutionActions";
import { ExecutionFacts } from "./ExecutionFacts";
import { useKindName } from "./KindName";
import { type Execution, useExecution } from "./queries";
import { Tasks } from "./Tasks";
import { useWatch } from "./useWatch";

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
  const { t } = useLingui();
  const { status = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const how = useWatch(execution);
  return (
    <>
      <Section title={t`How far it is`}>
        <ExecutionFacts execution={execution} />
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
