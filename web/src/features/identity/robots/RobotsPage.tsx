import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { ButtonLink } from "../../../ui/ButtonLink";
import { Section } from "../../../ui/Page";
import { Pager } from "../../../ui/Pager";
import { SearchField } from "../../../ui/SearchField";
import { Empty, Failed, Loading } from "../../../ui/states";
import classes from "../identity.module.css";
import { robotsPerPage, useRobots } from "./queries";
import { RobotTable } from "./RobotTable";

const route = getRouteApi("/admin/robots");

/** Accounts of programs that belong to no project. */
export function RobotsPage() {
  const { t } = useLingui();
  const { q = "", page = 1, sort = "name" } = route.useSearch();
  const navigate = route.useNavigate();
  const robots = useRobots({ q, page, sort });
  return (
    <Section
      title={t`Robots`}
      actions={
        <ButtonLink to="/admin/robots/new" variant="filled">
          <Trans>Create robot</Trans>
        </ButtonLink>
      }
    >
      <div className={classes.bar}>
        <SearchField
          label={t`Find a robot`}
          value={q}
          onSearch={(text) =>
            navigate({ search: (before) => ({ ...before, q: text, page: 1 }), replace: true })
          }
        />
      </div>
      {robots.isPending && <Loading />}
      {robots.isError && (
        <Failed
          what={t`The robots can't be listed.`}
          error={robots.error}
          retry={() => robots.refetch()}
        />
      )}
      {robots.data?.total === 0 && <NoRobots searched={q !== ""} />}
      {robots.data && robots.data.items.length > 0 && (
        <RobotTable
          robots={robots.data.items}
          sort={sort}
          onSort={(next) => navigate({ search: (before) => ({ ...before, sort: next, page: 1 }) })}
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
    <Empty title={t`There is no robot of the registry yet.`}>
      <p>
        <Trans>
          A robot is an account for a program: CI, a cluster, a mirror. One of the registry can act
          in several or all projects, and do what administrators do. For a single project, make one
          in the settings of that project.
        </Trans>
      </p>
    </Empty>
  );
}
