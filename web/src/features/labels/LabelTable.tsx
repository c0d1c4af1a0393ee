import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { type Column, DataTable } from "../../ui/DataTable";
import { When } from "../../ui/When";
import { DeleteLabel } from "./DeleteLabel";
import { LabelChip } from "./LabelChip";
import classes from "./labels.module.css";
import type { Label, Scope } from "./queries";

interface Props {
  scope: Scope;
  caption: string;
  labels: Label[];
  /** Whether the caller may `update` or `delete` them. */
  may: (action: string) => boolean;
  sort: string;
  onSort: (sort: string) => void;
  onEdit: (label: Label) => void;
}

export function LabelTable({ scope, caption, labels, may, sort, onSort, onEdit }: Props) {
  const { t } = useLingui();
  const [doomed, setDoomed] = useState<Label>();
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
      key: "created",
      title: t`Created`,
      number: true,
      sort: "creation_time",
      cell: (label) => <When time={label.creation_time} />,
    },
  ];
  const actions: Column<Label> = {
    key: "actions",
    title: t`Actions`,
    number: true,
    cell: (label) => (
      <div className={classes.row}>
        {may("update") && (
          <Button
            size="xs"
            variant="default"
            aria-label={t`Edit ${label.name ?? ""}`}
            onClick={() => onEdit(label)}
          >
            <Trans>Edit</Trans>
          </Button>
        )}
        {may("delete") && (
          <Button
            size="xs"
            variant="default"
            aria-label={t`Delete ${label.name ?? ""}`}
            onClick={() => setDoomed(label)}
          >
            <Trans>Delete</Trans>
          </Button>
        )}
      </div>
    ),
  };
  return (
    <>
      <DataTable
        caption={caption}
        columns={may("update") ? [...columns, actions] : columns}
        rows={labels}
        rowKey={(label) => String(label.id)}
        sort={sort}
        onSort={onSort}
      />
      <DeleteLabel scope={scope} label={doomed} onClose={() => setDoomed(undefined)} />
    </>
  );
}
