import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../../ui/ConfirmDialog";
import { useNotices } from "../../../ui/Notices";
import { type Instance, useDeleteInstance } from "./queries";

interface Props {
  instance: Instance | undefined;
  onClose: () => void;
}

export function DeleteInstance({ instance, onClose }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const remove = useDeleteInstance();
  const name = instance?.name ?? "";
  function close() {
    remove.reset();
    onClose();
  }
  return (
    <ConfirmDialog
      opened={instance !== undefined}
      title={t`Delete instance ${name}`}
      action={t`Delete instance`}
      busy={remove.isPending}
      error={remove.error}
      failed={t`The instance was not deleted.`}
      onClose={close}
      onConfirm={() =>
        remove.mutate(name, {
          onSuccess: () => {
            say(t`The instance ${name} is deleted.`);
            close();
          },
        })
      }
    >
      <p>
        <Trans>
          Haven forgets its address and its credential. While a project's policy uses it, it can't
          be deleted.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
