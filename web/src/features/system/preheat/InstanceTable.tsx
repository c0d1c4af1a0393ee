import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { type Column, DataTable } from "../../../ui/DataTable";
import { RowButtons } from "../../../ui/RowButtons";
import classes from "../parts/parts.module.css";
import { Well } from "../parts/Well";
import type { Instance } from "./queries";

interface Props {
  rows: Instance[];
  onEdit: (instance: Instance) => void;
  onDelete: (instance: Instance) => void;
}

export function InstanceTable({ rows, onEdit, onDelete }: Props) {
  const { t } = useLingui();
  const columns: Column<Instance>[] = [
    { key: "name", title: t`Name`, names: true, cell: (row) => <Name of={row} /> },
    {
      key: "vendor",
      title: t`Kind`,
      cell: (row) => (row.vendor === "kraken" ? "Kraken" : "Dragonfly"),
    },
    {
      key: "endpoint",
      title: t`Address`,
      cell: (row) => <span className={classes.code}>{row.endpoint}</span>,
    },
    {
      key: "state",
      title: t`State`,
      cell: (row) =>
        row.enabled ? (
          <Well well={(row.status ?? "").toLowerCase() === "healthy"} />
        ) : (
          <Trans>switched off</Trans>
        ),
    },
    {
      key: "do",
      title: t`Actions`,
      cell: (row) => (
        <RowButtons>
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
            onClick={() => onDelete(row)}
          >
            <Trans>Delete</Trans>
          </Button>
        </RowButtons>
      ),
    },
  ];
  return (
    <DataTable
      caption={t`Preheat instances`}
      columns={columns}
      rows={rows}
      rowKey={(row) => String(row.id)}
    />
  );
}

function Name({ of }: { of: Instance }) {
  return (
    <span>
      {of.name}
      {of.default && (
        <span className={classes.small}>
          {" "}
          · <Trans>default</Trans>
        </span>
      )}
    </span>
  );
}
