import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, bodyOf } from "../../api/client";
import { Page, Section } from "../../ui/Page";
import { Status } from "../../ui/Status";
import { Failed, Loading } from "../../ui/states";
import { AdministratorsOnly } from "../session/AdministratorsOnly";
import type { Task } from "./queries";
import { TaskLog } from "./TaskLog";

const route = getRouteApi("/jobs/tasks/$task");

/** One task with its log. */
export function TaskPage() {
  const { t } = useLingui();
  const id = Number(route.useParams().task);
  const task = useQuery({
    queryKey: ["jobs", "task", id],
    queryFn: ({ signal }) =>
      bodyOf<Task>(
        api.GET("/api/haven/v1/jobs/tasks/{task_id}", {
          params: { path: { task_id: id } },
          signal,
        }),
      ),
  });
  return (
    <Page
      title={t`Task ${id}`}
      crumbs={[{ label: t`Jobs`, link: { to: "/jobs" } }]}
      facts={task.data && <Status of={task.data.status} />}
    >
      <AdministratorsOnly>
        {task.isPending && <Loading />}
        {task.isError && (
          <Failed
            what={t`The task can't be shown.`}
            error={task.error}
            retry={() => task.refetch()}
          />
        )}
        {task.data && (
          <Section
            title={t`Log`}
            actions={
              <Link to="/jobs/$execution" params={{ execution: String(task.data.execution_id) }}>
                <Trans>All tasks of this work</Trans>
              </Link>
            }
          >
            <TaskLog task={id} />
          </Section>
        )}
      </AdministratorsOnly>
    </Page>
  );
}
