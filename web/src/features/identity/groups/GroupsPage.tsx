import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Section } from "../../../ui/Page";
import { Pager } from "../../../ui/Pager";
import { SearchField } from "../../../ui/SearchField";
import { Empty, Failed, Loading } from "../../../ui/states";
import classes from "../identity.module.css";
import { CreateGroup } from "./CreateGroup";
import { GroupTable } from "./GroupTable";
import { groupsPerPage, useGroups } from "./queries";

const route = getRouteApi("/admin/groups");

/** Groups of the directory and of the provider that may have roles in projects. */
export function GroupsPage() {
  const { t } = useLingui();
  const { q = "", page = 1, sort = "group_name" } = route.useSearch();
  const navigate = route.useNavigate();
  const groups = useGroups({ q, page, sort });
  return (
    <Section title={t`Groups`} actions={<CreateGroup />}>
      <div className={classes.bar}>
        <SearchField
          label={t`Find a group`}
          value={q}
          onSearch={(text) =>
            navigate({ search: (before) => ({ ...before, q: text, page: 1 }), replace: true })
          }
        />
      </div>
      {groups.isPending && <Loading />}
      {groups.isError && (
        <Failed
          what={t`The groups can't be listed.`}
          error={groups.error}
          retry={() => groups.refetch()}
        />
      )}
      {groups.data?.total === 0 && <NoGroups searched={q !== ""} />}
      {groups.data && groups.data.items.length > 0 && (
        <GroupTable
          groups={groups.data.items}
          sort={sort}
          onSort={(next) => navigate({ search: (before) => ({ ...before, sort: next, page: 1 }) })}
        />
      )}
      <Pager
        page={page}
        size={groupsPerPage}
        total={groups.data?.total ?? 0}
        onPage={(next) => navigate({ search: (before) => ({ ...before, page: next }) })}
      />
    </Section>
  );
}

function NoGroups({ searched }: { searched: boolean }) {
  const { t } = useLingui();
  if (searched) return <Empty title={t`No group has this in its name.`} />;
  return (
    <Empty title={t`No group is known yet.`}>
      <p>
        <Trans>
          A group of the company's directory or OpenID provider can have a role in a project, and
          all its people have it then. Groups come by themselves when somebody in them signs in;
          make one known before, to give it roles already.
        </Trans>
      </p>
    </Empty>
  );
}
