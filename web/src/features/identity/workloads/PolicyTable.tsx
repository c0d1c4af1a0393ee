import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { type Column, DataTable } from "../../../ui/DataTable";
import { Permissions } from "../../account/Permissions";
import classes from "../identity.module.css";
import { DeletePolicy } from "./DeletePolicy";
import type { Policy } from "./queries";

interface Props {
  policies: Policy[];
  sort: string;
  onSort: (sort: string) => void;
}

export function PolicyTable({ policies, sort, onSort }: Props) {
  const { t } = useLingui();
  const [leaving, setLeaving] = useState<Policy>();
  const columns: Column<Policy>[] = [
    {
      key: "name",
      title: t`Policy`,
      names: true,
      sort: "name",
      cell: (policy) => (
        <Link to="/admin/workloads/$policy" params={{ policy: String(policy.id) }}>
          {policy.full_name}
        </Link>
      ),
    },
    {
      key: "issuer",
      title: t`Tokens of`,
      sort: "issuer",
      cell: (policy) => <span className={classes.mono}>{policy.issuer}</span>,
    },
    {
      key: "condition",
      title: t`If`,
      cell: (policy) => <code className={classes.mono}>{policy.condition}</code>,
    },
    {
      key: "may",
      title: t`They may`,
      cell: (policy) => <Permissions permissions={policy.permissions} />,
    },
    {
      key: "state",
      title: t`State`,
      sort: "enabled",
      cell: (policy) => (policy.enabled ? <Trans>in use</Trans> : <Trans>disabled</Trans>),
    },
    {
      key: "do",
      title: t`Actions`,
      cell: (policy) => (
        <Button
          size="xs"
          variant="default"
          aria-label={t`Delete ${policy.full_name}`}
          onClick={() => setLeaving(policy)}
        >
          <Trans>Delete</Trans>
        </Button>
      ),
    },
  ];
  return (
    <>
      <DataTable
        caption={t`Policies`}
        columns={columns}
        rows={policies}
        rowKey={(policy) => String(policy.id)}
        sort={sort}
        onSort={onSort}
      />
      {leaving && <DeletePolicy policy={leaving} onClose={() => setLeaving(undefined)} />}
    </>
  );
}
