import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { type Column, DataTable } from "../../../ui/DataTable";
import classes from "../identity.module.css";
import { DeleteGroup } from "./DeleteGroup";
import { type Group, ldapGroup, oidcGroup } from "./queries";
import { RenameGroup } from "./RenameGroup";

interface Props {
  groups: Group[];
  sort: string;
  onSort: (sort: string) => void;
}

export function GroupTable({ groups, sort, onSort }: Props) {
  const { t } = useLingui();
  const [renamed, setRenamed] = useState<Group>();
  const [leaving, setLeaving] = useState<Group>();
  const columns: Column<Group>[] = [
    {
      key: "name",
      title: t`Group`,
      names: true,
      sort: "group_name",
      cell: (group) => group.group_name,
    },
    { key: "type", title: t`From`, sort: "group_type", cell: (group) => <Kind group={group} /> },
    {
      key: "dn",
      title: t`Distinguished name`,
      cell: (group) => <span className={classes.mono}>{group.ldap_group_dn || "–"}</span>,
    },
    {
      key: "do",
      title: t`Actions`,
      cell: (group) => (
        <span className={classes.bar}>
          <Button
            size="xs"
            variant="default"
            aria-label={t`Rename ${group.group_name ?? ""}`}
            onClick={() => setRenamed(group)}
          >
            <Trans>Rename</Trans>
          </Button>
          <Button
            size="xs"
            variant="default"
            aria-label={t`Delete ${group.group_name ?? ""}`}
            onClick={() => setLeaving(group)}
          >
            <Trans>Delete</Trans>
          </Button>
        </span>
      ),
    },
  ];
  return (
    <>
      <DataTable
        caption={t`Groups`}
        columns={columns}
        rows={groups}
        rowKey={(group) => String(group.id)}
        sort={sort}
        onSort={onSort}
      />
      {renamed && <RenameGroup group={renamed} onClose={() => setRenamed(undefined)} />}
      {leaving && <DeleteGroup group={leaving} onClose={() => setLeaving(undefined)} />}
    </>
  );
}

function Kind({ group }: { group: Group }) {
  if (group.group_type === ldapGroup) return <Trans>LDAP directory</Trans>;
  if (group.group_type === oidcGroup) return <Trans>OpenID provider</Trans>;
  return <Trans>HTTP proxy</Trans>;
}
