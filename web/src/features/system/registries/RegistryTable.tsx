import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { type Column, DataTable } from "../../../ui/DataTable";
import { RowButtons } from "../../../ui/RowButtons";
import { When } from "../../../ui/When";
import classes from "../parts/parts.module.css";
import { Well } from "../parts/Well";
import { DeleteRegistry } from "./DeleteRegistry";
import { kindName } from "./kinds";
import type { Registry } from "./queries";
import { RegistryInfo } from "./RegistryInfo";

interface Props {
  rows: Registry[];
  sort: string;
  onSort: (sort: string) => void;
  onEdit: (registry: Registry) => void;
}

export function RegistryTable({ rows, sort, onSort, onEdit }: Props) {
  const { t } = useLingui();
  const [open, setOpen] = useState<number>();
  const [leaving, setLeaving] = useState<Registry>();
  const columns: Column<Registry>[] = [
    { key: "name", title: t`Name`, names: true, sort: "name", cell: (row) => row.name },
    {
      key: "type",
      title: t`Kind`,
      cell: (row) => <span className={classes.whole}>{kindName(row.type)}</span>,
    },
    { key: "url", title: t`Address`, cell: (row) => <Address of={row} /> },
    {
      key: "state",
      title: t`State`,
      cell: (row) => <Well well={row.status === "healthy"} why={row.complaint} />,
    },
    {
      key: "made",
      title: t`Added`,
      sort: "creation_time",
      cell: (row) => <When time={row.creation_time} />,
    },
    {
      key: "do",
      title: t`Actions`,
      cell: (row) => (
        <RowButtons>
          <Button
            size="xs"
            variant="default"
            aria-expanded={open === row.id}
            aria-label={t`What can be done with ${row.name}`}
            onClick={() => setOpen(open === row.id ? undefined : row.id)}
          >
            <Trans>Info</Trans>
          </Button>
          <Button
            size="xs"
            variant="default"
            aria-label={t`Edit ${row.name}`}
            onClick={() => onEdit(row)}
          >
            <Trans>Edit</Trans>
          </Button>
          <Button
            size="xs"
            variant="default"
            aria-label={t`Delete ${row.name}`}
            onClick={() => setLeaving(row)}
          >
            <Trans>Delete</Trans>
          </Button>
        </RowButtons>
      ),
    },
  ];
  return (
    <>
      <DataTable
        caption={t`Registries elsewhere`}
        columns={columns}
        rows={rows}
        rowKey={(row) => String(row.id)}
        sort={sort}
        onSort={onSort}
        below={(row) => (open === row.id && row.id ? <RegistryInfo id={row.id} /> : null)}
      />
      <DeleteRegistry registry={leaving} onClose={() => setLeaving(undefined)} />
    </>
  );
}

function Address({ of }: { of: Registry }) {
  return (
    <span>
      <span className={classes.code}>{of.url}</span>
      {of.insecure && (
        <span className={classes.small}>
          {" "}
          <Trans>its certificate is not checked</Trans>
        </span>
      )}
    </span>
  );
}
