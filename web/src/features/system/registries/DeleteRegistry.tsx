import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../../ui/ConfirmDialog";
import { useNotices } from "../../../ui/Notices";
import { type Registry, useDeleteRegistry } from "./queries";

interface Props {
  registry: Registry | undefined;
  onClose: () => void;
}

/** Asks before a registry is forgotten, and says what still uses it when the server refuses. */
export function DeleteRegistry({ registry, onClose }: Props) {
  const { t } = useLingui();
  const forget = useDeleteRegistry();
  const { say } = useNotices();
  const name = registry?.name ?? "";
  function close() {
    forget.reset();
    onClose();
  }
  return (
    <ConfirmDialog
      opened={registry !== undefined}
      title={t`Delete registry ${name}`}
      action={t`Delete registry`}
      busy={forget.isPending}
      error={forget.error}
      failed={t`The registry was not deleted.`}
      onClose={close}
      onConfirm={() =>
        forget.mutate(registry?.id ?? 0, {
          onSuccess: () => {
            say(t`The registry ${name} is deleted.`);
            close();
          },
        })
      }
    >
      <p>
        <Trans>
          Haven forgets its address and its secret. Nothing is deleted in the registry itself. While
          a replication policy or a project that is its cache uses it, it can't be deleted.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
