import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { type Column, DataTable } from "../../ui/DataTable";
import { useNotices } from "../../ui/Notices";
import { When } from "../../ui/When";
import type { May } from "../session/may";
import { LabelChip } from "./LabelChip";
import classes from "./labels.module.css";
import { type Label, useDeleteLabel } from "./queries";

interface Props {
  labels: Label[];
  may: May;
  onEdit: (label: Label) => void;
}

export function LabelTable({ labels, may, onEdit }: Props) {
  const { t } = useLingui();
  const [doomed, setDoomed] = useState<Label>();
  const columns: Column<Label>[] = [
    {
      key: "name",
      title: t`Label`,
      names: true,
      cell: (label) => <LabelChip name={label.name ?? ""} color={label.color} />,
    },
    { key: "description", title: t`Description`, cell: (label) => label.description || "–" },
    {
      key: "created",
      title: t`Created`,
      number: true,
      cell: (label) => <When time={label.creation_time} />,
    },
  ];
  const actions: Column<Label> = {
    key: "actions",
    title: t`Actions`,
    number: true,
    cell: (label) => (
      <div className={classes.row}>
        {may("label", "update") && (
          <Button
            size="xs"
            variant="default"
            aria-label={t`Edit ${label.name ?? ""}`}
            onClick={() => onEdit(label)}
          >
            <Trans>Edit</Trans>
          </Button>
        )}
        {may("label", "delete") && (
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
        caption={t`Labels`}
        columns={may("label", "update") ? [...columns, actions] : columns}
        rows={labels}
        rowKey={(label) => String(label.id)}
      />
      <DeleteLabel label={doomed} onClose={() => setDoomed(undefined)} />
    </>
  );
}

function DeleteLabel({ label, onClose }: { label: Label | undefined; onClose: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const remove = useDeleteLabel();
  const name = label?.name ?? "";
  return (
    <ConfirmDialog
      opened={label !== undefined}
      title={t`Delete ${name}`}
      action={t`Delete label`}
      failed={t`The label was not deleted.`}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() =>
        label &&
        remove.mutate(label, {
          onSuccess: () => {
            say(t`The label ${name} is deleted.`);
            onClose();
          },
        })
      }
      onClose={onClose}
    >
      <p>
        <Trans>
          It is taken off every artifact that has it, and which these were is lost. Rules that go by
          it find nothing any more. This can't be undone.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
