import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { type Column, DataTable } from "../../../ui/DataTable";
import { When } from "../../../ui/When";
import { LabelChip } from "../../labels/LabelChip";
import classes from "../parts/parts.module.css";
import type { Label } from "./queries";

interface Props {
  rows: Label[];
  sort: string;
  onSort: (sort: string) => void;
  onEdit: (label: Label) => void;
  onDelete: (label: Label) => void;
}

export function LabelTable({ rows, sort, onSort, onEdit, onDelete }: Props) {
  const { t } = useLingui();
  const columns: Column<Label>[] = [
    {
      key: "name",
      title: t`Label`,
      names: true,
      sort: "name",
      cell: (label) => <LabelChip name={label.name ?? ""} color={label.color} />,
    },
    { key: "description", title: t`Description`, cell: (label) => label.description || "–" },
    {
      key: "made",
      title: t`Created`,
      sort: "creation_time",
      cell: (label) => <When time={label.creation_time} />,
    },
    {
      key: "do",
      title: t`Actions`,
      cell: (label) => (
        <div className={classes.row}>
          <Button
            size="xs"
            variant="default"
            aria-label={t`Edit ${label.name}`}
            onClick={() => onEdit(label)}
          >
            <Trans>Edit</Trans>
          </Button>
          <Button
            size="xs"
            variant="default"
            aria-label={t`Delete ${label.name}`}
            onClick={() => onDelete(label)}
          >
            <Trans>Delete</Trans>
          </Button>
        </div>
      ),
    },
  ];
  return (
    <DataTable
      caption={t`Labels of all projects`}
      columns={columns}
      rows={rows}
      rowKey={(label) => String(label.id)}
      sort={sort}
      onSort={onSort}
    />
  );
}
