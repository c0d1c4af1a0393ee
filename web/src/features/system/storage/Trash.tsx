import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../../ui/ConfirmDialog";
import { useNotices } from "../../../ui/Notices";
import { Section } from "../../../ui/Page";
import { SettingsForm } from "../configuration/SettingsForm";
import { trashSettings } from "../configuration/settings";
import classes from "../parts/parts.module.css";
import { useEmptyTrash } from "./queries";

/** For how long what was deleted can be restored, and the end of all that can. */
export function Trash() {
  const { t } = useLingui();
  const { say } = useNotices();
  const [asked, setAsked] = useState(false);
  const empty = useEmptyTrash();
  return (
    <Section
      title={t`What was deleted`}
      actions={
        <Button variant="default" onClick={() => setAsked(true)}>
          <Trans>Empty all trash</Trans>
        </Button>
      }
    >
      <p className={classes.prose}>
        <Trans>
          Tags, artifacts, repositories and projects that somebody deletes can be restored for a
          time. Until then their bytes stay on the disk.
        </Trans>
      </p>
      <SettingsForm settings={trashSettings} />
      <ConfirmDialog
        opened={asked}
        title={t`Empty all trash`}
        word="empty"
        action={t`Empty all trash`}
        busy={empty.isPending}
        error={empty.error}
        failed={t`The trash was not emptied.`}
        onClose={() => setAsked(false)}
        onConfirm={() =>
          empty.mutate(undefined, {
            onSuccess: () => {
              say(t`The trash of all projects is empty.`);
              setAsked(false);
            },
          })
        }
      >
        <p>
          <Trans>
            All that was deleted in all projects is gone for good, at once. Its space comes back
            within minutes. This can't be undone.
          </Trans>
        </p>
      </ConfirmDialog>
    </Section>
  );
}
