import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../../ui/ConfirmDialog";
import { useNotices } from "../../../ui/Notices";
import { type Scanner, useDeleteScanner } from "./queries";

interface Props {
  scanner: Scanner | undefined;
  onClose: () => void;
}

export function DeleteScanner({ scanner, onClose }: Props) {
  const { t } = useLingui();
  const forget = useDeleteScanner();
  const { say } = useNotices();
  const name = scanner?.name ?? "";
  function close() {
    forget.reset();
    onClose();
  }
  return (
    <ConfirmDialog
      opened={scanner !== undefined}
      title={t`Delete scanner ${name}`}
      action={t`Delete scanner`}
      busy={forget.isPending}
      error={forget.error}
      failed={t`The scanner was not deleted.`}
      onClose={close}
      onConfirm={() =>
        forget.mutate(scanner?.uuid ?? "", {
          onSuccess: () => {
            say(t`The scanner ${name} is deleted.`);
            close();
          },
        })
      }
    >
      <p>
        <Trans>
          Projects that chose it are scanned by the default from then on. Haven forgets its address
          and its credential.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
