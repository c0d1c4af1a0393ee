import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../../ui/ConfirmDialog";
import { useNotices } from "../../../ui/Notices";
import { type Key, useRotateKey } from "./queries";

interface Props {
  format: Key["format"] | undefined;
  onClose: () => void;
}

/** Asks before another key signs: the private part of the one before is destroyed. */
export function RotateKey({ format, onClose }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const rotate = useRotateKey();
  const name = format === "notation" ? "Notation" : "Cosign";
  return (
    <ConfirmDialog
      opened={format !== undefined}
      title={t`New key for ${name}`}
      word={format}
      action={t`Make a new key`}
      busy={rotate.isPending}
      error={rotate.error}
      failed={t`There is no new key.`}
      onClose={onClose}
      onConfirm={() =>
        format &&
        rotate.mutate(format, {
          onSuccess: () => {
            say(t`A new key signs for ${name}.`);
            onClose();
          },
        })
      }
    >
      <p>
        <Trans>
          It signs from now on, and all that has passed is signed anew by it. The private part of
          the key before is destroyed; what it signed stays valid. Give your clusters the new key
          before you take the old one away. This can't be undone.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
