import { useLingui } from "@lingui/react/macro";
import { Dialog } from "../../../ui/Dialog";
import { Shown } from "../parts/Shown";
import { type Registry, useKinds } from "./queries";
import { RegistryForm } from "./RegistryForm";

interface Props {
  /** The registry that is changed, or a new one; nothing while the dialog is closed. */
  of: Registry | "new" | undefined;
  onClose: () => void;
}

export function RegistryDialog({ of, onClose }: Props) {
  const { t } = useLingui();
  const kinds = useKinds();
  const stored = of === "new" ? undefined : of;
  return (
    <Dialog
      title={stored ? t`Edit registry ${stored.name}` : t`Add registry`}
      opened={of !== undefined}
      onClose={onClose}
    >
      <Shown query={kinds} what={t`The kinds of registries are unknown.`}>
        {(data) => <RegistryForm stored={stored} known={data} onDone={onClose} />}
      </Shown>
    </Dialog>
  );
}
