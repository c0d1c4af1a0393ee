import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { Section } from "../../../ui/Page";
import { Pager } from "../../../ui/Pager";
import { SearchField } from "../../../ui/SearchField";
import { Empty, Failed, Loading } from "../../../ui/states";
import classes from "../identity.module.css";
import { useSettings } from "../settings";
import { CreateUser } from "./CreateUser";
import { usersPerPage, useUsers } from "./queries";
import { UserTable } from "./UserTable";

const route = getRouteApi("/admin/users");

/** Who has an account here. */
export function UsersPage() {
  const { t } = useLingui();
  const { q = "", page = 1, sort = "username", admins = false } = route.useSearch();
  const navigate = route.useNavigate();
  const users = useUsers({ q, page, sort, admins });
  return (
    <Section title={t`Users`} actions={<Creating />}>
      <div className={classes.bar}>
        <SearchField
          label={t`Find a user`}
          value={q}
          onSearch={(text) =>
            navigate({ search: (before) => ({ ...before, q: text, page: 1 }), replace: true })
          }
        />
        <Checkbox
          label={t`Administrators only`}
          checked={admins}
          onChange={(event) => {
            const only = event.currentTarget.checked;
            navigate({ search: (before) => ({ ...before, admins: only, page: 1 }) });
          }}
        />
      </div>
      {users.isPending && <Loading />}
      {users.isError && (
        <Failed
          what={t`The users can't be listed.`}
          error={users.error}
          retry={() => users.refetch()}
        />
      )}
      {users.data?.total === 0 && <NoUsers searched={q !== "" || admins} />}
      {users.data && users.data.items.length > 0 && (
        <UserTable
          users={users.data.items}
          sort={sort}
          onSort={(next) => navigate({ search: (before) => ({ ...before, sort: next, page: 1 }) })}
        />
      )}
      <Pager
        page={page}
        size={usersPerPage}
        total={users.data?.total ?? 0}
        onPage={(next) => navigate({ search: (before) => ({ ...before, page: next }) })}
      />
      <p className={classes.dim}>
        <Trans>The user admin isn't listed: it is always there, and always an administrator.</Trans>
      </p>
    </Section>
  );
}

/** The button for new users, where it is this registry that makes them. */
function Creating() {
  const settings = useSettings();
  const mode = settings.data?.auth_mode?.value;
  if (mode === "db_auth") return <CreateUser />;
  if (!mode) return null;
  return (
    <span className={classes.dim}>
      <Trans>Accounts come with the first sign-in.</Trans>
    </span>
  );
}

function NoUsers({ searched }: { searched: boolean }) {
  const { t } = useLingui();
  if (searched) return <Empty title={t`No user fits.`} />;
  return (
    <Empty title={t`There is nobody besides admin yet.`}>
      <p>
        <Trans>
          A user signs in with a password of this registry. If your company has a directory or an
          OpenID provider, choose it under "Sign-in" before you create users: the mode is fixed
          afterwards.
        </Trans>
      </p>
    </Empty>
  );
}
