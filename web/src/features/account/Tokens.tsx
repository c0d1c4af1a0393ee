import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { type Column, DataTable } from "../../ui/DataTable";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { TokenForm } from "./TokenForm";
import classes from "./Tokens.module.css";
import { type Token, useRevokeToken, useTokens } from "./tokens";

/** My personal access tokens. */
export function Tokens() {
  const { t } = useLingui();
  const tokens = useTokens();
  const revoke = useRevokeToken();
  const columns = useColumns((id) => revoke.mutate(id));
  return (
    <div className={classes.box}>
      <p>
        <Trans>
          A token is a password for a program. It may do what you may, or less, and you can revoke
          it without changing your password.
        </Trans>
      </p>
      <TokenForm />
      {revoke.isError && <Failed what={t`The token was not revoked.`} error={revoke.error} />}
      {tokens.isPending && <Loading rows={2} />}
      {tokens.isError && (
        <Failed
          what={t`Your tokens can't be shown.`}
          error={tokens.error}
          retry={() => tokens.refetch()}
        />
      )}
      {tokens.data?.total === 0 && <Empty title={t`You have no tokens.`} />}
      {tokens.data && tokens.data.total > 0 && (
        <DataTable
          caption={t`Access tokens`}
          columns={columns}
          rows={tokens.data.items}
          rowKey={(token) => String(token.id)}
        />
      )}
    </div>
  );
}

function useColumns(revoke: (id: number) => void): Column<Token>[] {
  const { t } = useLingui();
  return [
    { key: "name", title: t`Name`, names: true, cell: (token) => token.name },
    { key: "places", title: t`Projects`, cell: (token) => <Places token={token} /> },
    { key: "end", title: t`Ends`, cell: (token) => <End token={token} /> },
    {
      key: "used",
      title: t`Last used`,
      cell: (token) => <When time={token.last_used_at ?? undefined} />,
    },
    {
      key: "revoke",
      title: t`Revoke`,
      cell: (token) => <Revoke name={token.name} onConfirm={() => revoke(token.id)} />,
    },
  ];
}

function Places({ token }: { token: Token }) {
  const { t } = useLingui();
  const names = token.permissions
    .filter((permission) => permission.kind === "project")
    .map((permission) => (permission.namespace === "*" ? t`all projects` : permission.namespace));
  return <>{names.join(", ")}</>;
}

function End({ token }: { token: Token }) {
  if (token.expired) return <Trans>expired</Trans>;
  return <When time={token.expires_at ?? undefined} />;
}

/** A button that asks once more: what uses the token stops working. */
function Revoke({ name, onConfirm }: { name: string; onConfirm: () => void }) {
  const { t } = useLingui();
  const [sure, setSure] = useState(false);
  if (!sure) {
    return (
      <Button
        size="xs"
        variant="default"
        aria-label={t`Revoke ${name}`}
        onClick={() => setSure(true)}
      >
        <Trans>Revoke</Trans>
      </Button>
    );
  }
  return (
    <Button size="xs" color="red" aria-label={t`Really revoke ${name}`} onClick={onConfirm}>
      <Trans>Really revoke?</Trans>
    </Button>
  );
}
