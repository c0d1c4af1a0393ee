import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import { type Label, type Scope, useDeleteLabel } from "./queries";

interface Props {
  scope: Scope;
  label: Label | undefined;
  onClose: () => void;
}

export function DeleteLabel({ scope, label, onClose }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const remove = useDeleteLabel();
  const name = label?.name ?? "";

  function close() {
    remove.reset();
    onClose();
  }

  return (
    <ConfirmDialog
      opened={label !== undefined}
      title={t`Delete label ${name}`}
      action={t`Delete label`}
      failed={t`The label was not deleted.`}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() =>
        label &&
        remove.mutate(label, {
          onSuccess: () => {
            say(t`The label ${name} is deleted.`);
            close();
          },
        })
      }
      onClose={close}
    >
      <p>
        {scope === "registry" && <Trans>Artifacts of all projects may have it.</Trans>}{" "}
        <Trans>
          It is taken off every artifact that has it, and which these were is lost. Rules that go by
          it find nothing any more. This can't be undone.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
