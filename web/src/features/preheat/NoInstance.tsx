import { Trans, useLingui } from "@lingui/react/macro";
import { Command } from "../../ui/Command";
import { Empty } from "../../ui/states";
import { useUser } from "../session/queries";

/** What preheating needs first, and who can bring it. */
export function NoInstance() {
  const { t } = useLingui();
  const user = useUser();
  const { origin } = window.location;
  return (
    <Empty title={t`There is no network of peers here yet.`}>
      <p>
        <Trans>
          Preheating hands images to a network of peers, Dragonfly or Kraken, before anybody asks
          for them. It needs an instance of one, which is named once for the whole registry.
        </Trans>
      </p>
      {user?.sysadmin_flag ? (
        <>
          <p>
            <Trans>You may name one, with the address of its manager:</Trans>
          </p>
          <Command
            text={`curl -u ${user.username} -X POST ${origin}/api/v2.0/p2p/preheat/instances -H 'Content-Type: application/json' -d '{"name":"peers","vendor":"dragonfly","endpoint":"https://manager.example.com","auth_mode":"OAUTH","auth_info":{"token":"TOKEN"},"enabled":true}'`}
          />
        </>
      ) : (
        <p>
          <Trans>A system administrator can name one. Ask them, then come back.</Trans>
        </p>
      )}
    </Empty>
  );
}
