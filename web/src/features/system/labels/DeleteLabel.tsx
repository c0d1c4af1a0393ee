import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../../ui/ConfirmDialog";
import { useNotices } from "../../../ui/Notices";
import { type Label, useDeleteLabel } from "./queries";

export function DeleteLabel({ label, onClose }: { label: Label | undefined; onClose: () => void }) {
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
      busy={remove.isPending}
      error={remove.error}
      failed={t`The label was not deleted.`}
      onClose={close}
      onConfirm={() =>
        remove.mutate(label?.id ?? 0, {
          onSuccess: () => {
            say(t`The label ${name} is deleted.`);
            close();
          },
        })
      }
    >
      <p>
        <Trans>
          It is taken off every artifact that has it, in all projects. This can't be undone.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
