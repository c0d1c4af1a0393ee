import { Trans, useLingui } from "@lingui/react/macro";
import { useState } from "react";
import { Bytes } from "../../../ui/Bytes";
import { Dialog } from "../../../ui/Dialog";
import { Form } from "../../../ui/Form";
import { useNotices } from "../../../ui/Notices";
import classes from "../parts/parts.module.css";
import { SizeField } from "../parts/SizeField";
import { bytesOf, sizeOf } from "../parts/size";
import { type Quota, useSetQuota } from "./queries";

interface Props {
  quota: Quota | undefined;
  onClose: () => void;
}

/** Changes how much one project may hold. */
export function QuotaDialog({ quota, onClose }: Props) {
  const { t } = useLingui();
  return (
    <Dialog
      title={t`Quota of ${quota?.ref?.name ?? ""}`}
      opened={quota !== undefined}
      onClose={onClose}
    >
      {quota && <QuotaForm quota={quota} onDone={onClose} />}
    </Dialog>
  );
}

function QuotaForm({ quota, onDone }: { quota: Quota; onDone: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const [size, setSize] = useState(() => sizeOf(quota.hard.storage ?? -1));
  const set = useSetQuota();
  const bytes = bytesOf(size);
  const used = quota.used.storage ?? 0;
  const before = quota.hard.storage ?? -1;
  const id = quota.id ?? 0;
  const name = quota.ref?.name ?? "";
  return (
    <Form
      action={t`Save quota`}
      busy={set.isPending}
      disabled={bytes === undefined}
      error={set.error}
      failed={t`The quota stays as it was.`}
      onSubmit={() =>
        set.mutate(
          { id, bytes: bytes ?? -1 },
          {
            onSuccess: () => {
              say(t`The quota of ${name} is changed.`, () =>
                set.mutateAsync({ id, bytes: before }),
              );
              onDone();
            },
          },
        )
      }
    >
      <p>
        <Trans>
          {name} holds <Bytes value={used} />.
        </Trans>
      </p>
      <SizeField
        label={t`May hold`}
        description={t`Empty for no limit.`}
        size={size}
        onChange={(next) => {
          set.reset();
          setSize(next);
        }}
      />
      {bytes !== undefined && bytes >= 0 && bytes < used && (
        <p className={classes.warning}>
          <Trans>
            It holds more than that already: nothing is deleted, and nothing can be pushed until it
            holds less.
          </Trans>
        </p>
      )}
    </Form>
  );
}
