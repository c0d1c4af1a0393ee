import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { ButtonLink } from "../../../ui/ButtonLink";
import { Section } from "../../../ui/Page";
import { Pager } from "../../../ui/Pager";
import { SearchField } from "../../../ui/SearchField";
import { Empty, Failed, Loading } from "../../../ui/states";
import classes from "../identity.module.css";
import { PolicyTable } from "./PolicyTable";
import { policiesPerPage, usePolicies } from "./queries";
import { TryToken } from "./TryToken";

const route = getRouteApi("/admin/workloads");

/** Which tokens of other systems let programs in, and for what. */
export function WorkloadsPage() {
  const { t } = useLingui();
  const { q = "", page = 1, sort = "name", project = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const policies = usePolicies({ q, page, sort, project });
  return (
    <>
      <Section
        title={t`Workload identity`}
        actions={
          <ButtonLink
            to="/admin/workloads/new"
            search={project ? { project } : {}}
            variant="filled"
          >
            <Trans>Create policy</Trans>
          </ButtonLink>
        }
      >
        <p className={`${classes.dim} ${classes.text}`}>
          <Trans>
            A CI job or a pod can push and pull with the token that its own system gives it: nobody
            stores a password. A policy says which tokens are good, and for what.
          </Trans>
        </p>
        <div className={classes.bar}>
          <SearchField
            label={t`Find a policy`}
            value={q}
            onSearch={(text) =>
              navigate({ search: (before) => ({ ...before, q: text, page: 1 }), replace: true })
            }
          />
          <SearchField
            label={t`Of the project`}
            value={project}
            onSearch={(text) =>
              navigate({
                search: (before) => ({ ...before, project: text, page: 1 }),
                replace: true,
              })
            }
          />
        </div>
        {policies.isPending && <Loading />}
        {policies.isError && (
          <Failed
            what={t`The policies can't be listed.`}
            error={policies.error}
            retry={() => policies.refetch()}
          />
        )}
        {!policies.isError && policies.data?.total === 0 && (
          <NoPolicies searched={q !== ""} project={project} />
        )}
        {!policies.isError && policies.data && policies.data.items.length > 0 && (
          <PolicyTable
            policies={policies.data.items}
            sort={sort}
            onSort={(next) =>
              navigate({ search: (before) => ({ ...before, sort: next, page: 1 }) })
            }
          />
        )}
        <Pager
          page={page}
          size={policiesPerPage}
          total={policies.data?.total ?? 0}
          onPage={(next) => navigate({ search: (before) => ({ ...before, page: next }) })}
        />
      </Section>
      <TryToken project={project} />
    </>
  );
}

function NoPolicies({ searched, project }: { searched: boolean; project: string }) {
  const { t } = useLingui();
  if (searched) return <Empty title={t`No policy has this in its name.`} />;
  if (project) return <Empty title={t`The project ${project} has no policies.`} />;
  return (
    <Empty title={t`The registry has no policies yet.`}>
      <p>
        <Trans>
          Create one for GitHub Actions, GitLab CI or Kubernetes. One that belongs to a project
          grants rights there only; name the project above to see its policies.
        </Trans>
      </p>
    </Empty>
  );
}
