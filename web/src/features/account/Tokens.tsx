import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { type Column, DataTable } from "../../ui/DataTable";
import { useNotices } from "../../ui/Notices";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { Permissions } from "./Permissions";
import classes from "./Tokens.module.css";
import { type Token, useRevokeToken, useTokens } from "./tokens";

/** My personal access tokens, or those of somebody whom an administrator looks at. */
export function Tokens({ of }: { of?: number }) {
  const { t } = useLingui();
  const tokens = useTokens(of);
  const [leaving, setLeaving] = useState<Token>();
  const columns = useColumns(setLeaving);
  return (
    <div className={classes.box}>
      <p>
        <Trans>
          A token is a password for a program. It may do what its owner may, or less, and can be
          revoked without changing the password.
        </Trans>
      </p>
      {tokens.isPending && <Loading rows={2} />}
      {tokens.isError && (
        <Failed
          what={t`The tokens can't be shown.`}
          error={tokens.error}
          retry={() => tokens.refetch()}
        />
      )}
      {tokens.data?.total === 0 && <Empty title={t`There are no tokens.`} />}
      {tokens.data && tokens.data.total > 0 && (
        <DataTable
          caption={t`Access tokens`}
          columns={columns}
          rows={tokens.data.items}
          rowKey={(token) => String(token.id)}
        />
      )}
      {leaving && <Revoke token={leaving} onClose={() => setLeaving(undefined)} />}
    </div>
  );
}

function useColumns(revoke: (token: Token) => void): Column<Token>[] {
  const { t } = useLingui();
  return [
    {
      key: "name",
      title: t`Name`,
      names: true,
      cell: (token) => <span title={`…${token.hint}`}>{token.name}</span>,
    },
    {
      key: "may",
      title: t`It may`,
      cell: (token) => <Permissions permissions={token.permissions} />,
    },
    { key: "end", title: t`Ends`, cell: (token) => <End token={token} /> },
    {
      key: "used",
      title: t`Last used`,
      cell: (token) =>
        token.last_used_at ? <When time={token.last_used_at} /> : <Trans>never</Trans>,
    },
    {
      key: "revoke",
      title: t`Revoke`,
      cell: (token) => (
        <Button
          size="xs"
          variant="default"
          aria-label={t`Revoke ${token.name}`}
          onClick={() => revoke(token)}
        >
          <Trans>Revoke</Trans>
        </Button>
      ),
    },
  ];
}

function End({ token }: { token: Token }) {
  if (token.expired) return <Trans>expired</Trans>;
  if (!token.expires_at) return <Trans>never</Trans>;
  return <When time={token.expires_at} />;
}

/** Asks: what uses the token stops working. */
function Revoke({ token, onClose }: { token: Token; onClose: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const revoke = useRevokeToken();

  function confirm() {
    revoke.mutate(token.id, {
      onSuccess: () => {
        say(t`The token ${token.name} is revoked.`);
        onClose();
      },
    });
  }

  return (
    <ConfirmDialog
      opened
      title={t`Revoke ${token.name}`}
      action={t`Revoke token`}
      busy={revoke.isPending}
      error={revoke.error}
      failed={t`The token was not revoked.`}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        <Trans>What uses it is refused from now on. It can't be brought back.</Trans>
      </p>
    </ConfirmDialog>
  );
}
