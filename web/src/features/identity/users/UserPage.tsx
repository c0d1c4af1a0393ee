import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Section } from "../../../ui/Page";
import { Failed, Loading } from "../../../ui/states";
import { When } from "../../../ui/When";
import { ProfileForm } from "../../account/ProfileForm";
import { EndSessions, Sessions } from "../../account/Sessions";
import { Tokens } from "../../account/Tokens";
import classes from "../identity.module.css";
import { type Deed, UserDeed, useDeeds } from "./deeds";
import { Origin } from "./Origin";
import { type User, useOneUser } from "./queries";
import { Administers } from "./UserTable";

const route = getRouteApi("/admin/users/$user");

/** One user: who they are, where they are signed in, which tokens they have. */
export function UserPage() {
  const { t } = useLingui();
  const id = Number(route.useParams().user);
  const user = useOneUser(id);
  return (
    <>
      <p>
        <Link to="/admin/users">
          <Trans>All users</Trans>
        </Link>
      </p>
      {user.isPending && <Loading />}
      {user.isError && (
        <Failed
          what={t`The user can't be shown.`}
          error={user.error}
          retry={() => user.refetch()}
        />
      )}
      {user.data && (
        <>
          <Section title={user.data.username ?? ""} actions={<Deeds user={user.data} />}>
            <Facts user={user.data} />
            {user.data.provider ? <Elsewhere /> : <ProfileForm user={user.data} />}
          </Section>
          <Section title={t`Sessions`} actions={<EndSessions of={id} />}>
            <Sessions of={id} />
          </Section>
          <Section title={t`Access tokens`}>
            <Tokens of={id} />
          </Section>
        </>
      )}
    </>
  );
}

function Deeds({ user }: { user: User }) {
  const navigate = useNavigate();
  const deeds = useDeeds(user);
  const [deed, setDeed] = useState<Deed>();
  return (
    <div className={classes.bar}>
      {deeds.map(({ deed: each, title }) => (
        <Button key={each} size="xs" variant="default" onClick={() => setDeed(each)}>
          {title}
        </Button>
      ))}
      {deed && (
        <UserDeed
          deed={deed}
          user={user}
          onClose={() => setDeed(undefined)}
          onGone={() => navigate({ to: "/admin/users" })}
        />
      )}
    </div>
  );
}

function Facts({ user }: { user: User }) {
  return (
    <dl className={classes.facts}>
      <dt>
        <Trans>From</Trans>
      </dt>
      <dd>
        <Origin user={user} />
      </dd>
      <dt>
        <Trans>Administrator</Trans>
      </dt>
      <dd>
        <Administers user={user} />
      </dd>
      {user.provider && (
        <>
          <dt>
            <Trans>E-mail</Trans>
          </dt>
          <dd>{user.email || "–"}</dd>
        </>
      )}
      <dt>
        <Trans>Created</Trans>
      </dt>
      <dd>
        <When time={user.creation_time} />
      </dd>
    </dl>
  );
}

function Elsewhere() {
  return (
    <p className={classes.dim}>
      <Trans>Name, e-mail, password and groups are changed where the account comes from.</Trans>
    </p>
  );
}
