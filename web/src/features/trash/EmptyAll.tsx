import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import { useEmptyAll } from "./queries";

/** Takes away for good all that was deleted, in all projects. */
export function EmptyAll() {
  const { t } = useLingui();
  const { say } = useNotices();
  const [asked, setAsked] = useState(false);
  const empty = useEmptyAll();
  return (
    <div>
      <Button variant="default" onClick={() => setAsked(true)}>
        <Trans>Empty the trash of all projects</Trans>
      </Button>
      <ConfirmDialog
        opened={asked}
        title={t`Empty the trash of all projects`}
        word={t`empty everything`}
        action={t`Empty the trash of all projects`}
        busy={empty.isPending}
        error={empty.error}
        failed={t`The trash was not emptied.`}
        onClose={() => setAsked(false)}
        onConfirm={() =>
          empty.mutate(undefined, {
            onSuccess: () => {
              setAsked(false);
              say(t`The trash of all projects is empty.`);
            },
          })
        }
      >
        <p>
          <Trans>
            Nobody can restore any deleted tag, artifact or repository then, in whatever project.
            This can't be undone.
          </Trans>
        </p>
      </ConfirmDialog>
    </div>
  );
}
