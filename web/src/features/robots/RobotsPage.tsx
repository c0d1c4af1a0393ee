import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import type { Project } from "../projects/queries";
import type { May } from "../session/may";
import { Guarded } from "../settings/Guarded";
import { robotsPerPage, useRobots } from "./queries";
import { RobotTable } from "./RobotTable";
import classes from "./robots.module.css";
import { SecretShown, type Shown } from "./SecretShown";

const EditRobot = lazy(() => import("./EditRobot").then((part) => ({ default: part.EditRobot })));

const route = getRouteApi("/p/$project/settings/robots");

/** The accounts of a project for programs. */
export function RobotsPage() {
  return (
    <Guarded resource="robot" action="list">
      {(project, may) => <Robots project={project} may={may} />}
    </Guarded>
  );
}

interface Props {
  project: Project;
  may: May;
}

function Robots({ project, may }: Props) {
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const [shown, setShown] = useState<Shown>();
  const close = () => navigate({ search: ({ edit: _, ...rest }) => rest });
  return (
    <>
      {shown && <SecretShown shown={shown} onClose={() => setShown(undefined)} />}
      {edit && may("robot", "create") && (
        <Suspense fallback={<Loading />}>
          <EditRobot
            key={edit}
            project={project.name ?? ""}
            id={edit === "new" ? undefined : Number(edit)}
            onMade={setShown}
            onClose={close}
          />
        </Suspense>
      )}
      <List project={project} may={may} onSecret={setShown} />
    </>
  );
}

function List({ project, may, onSecret }: Props & { onSecret: (shown: Shown) => void }) {
  const { t } = useLingui();
  const { q = "", page = 1, sort = "name", edit } = route.useSearch();
  const navigate = route.useNavigate();
  const robots = useRobots(project.project_id ?? 0, { q, page, sort });
  const items = robots.data?.items ?? [];
  return (
    <Section
      title={t`Robots`}
      actions={
        <div className={classes.actions}>
          <SearchField
            label={t`Find a robot`}
            value={q}
            onSearch={(text) =>
              navigate({ search: (before) => ({ ...before, q: text, page: 1 }), replace: true })
            }
          />
          {may("robot", "create") && edit !== "new" && (
            <Button onClick={() => navigate({ search: (before) => ({ ...before, edit: "new" }) })}>
              <Trans>Create robot</Trans>
            </Button>
          )}
        </div>
      }
    >
      {robots.isPending && <Loading />}
      {robots.isError && (
        <Failed
          what={t`The robots can't be listed.`}
          error={robots.error}
          retry={() => robots.refetch()}
        />
      )}
      {robots.data?.total === 0 && <NoRobots searched={q !== ""} />}
      {items.length > 0 && (
        <RobotTable
          project={project.name ?? ""}
          robots={items}
          may={may}
          sort={sort}
          onSort={(next) =>
            navigate({ search: (before) => ({ ...before, sort: next, page: 1 }), replace: true })
          }
          onEdit={(robot) =>
            navigate({ search: (before) => ({ ...before, edit: String(robot.id) }) })
          }
          onSecret={onSecret}
        />
      )}
      <Pager
        page={page}
        size={robotsPerPage}
        total={robots.data?.total ?? 0}
        onPage={(next) => navigate({ search: (before) => ({ ...before, page: next }) })}
      />
    </Section>
  );
}

function NoRobots({ searched }: { searched: boolean }) {
  const { t } = useLingui();
  if (searched) return <Empty title={t`No robot has this in its name.`} />;
  return (
    <Empty title={t`This project has no robots.`}>
      <p>
        <Trans>
          A robot is an account for a program: a pipeline that pushes, a cluster that pulls. It has
          a secret of its own and may do only what you tick.
        </Trans>
      </p>
    </Empty>
  );
}
