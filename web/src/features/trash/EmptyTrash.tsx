import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import { useEmptyTrash } from "./queries";

/** Takes away for good all that was deleted in a project. */
export function EmptyTrash({ project }: { project: string }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const [asked, setAsked] = useState(false);
  const empty = useEmptyTrash(project);
  return (
    <>
      <Button variant="default" onClick={() => setAsked(true)}>
        <Trans>Empty trash</Trans>
      </Button>
      <ConfirmDialog
        opened={asked}
        title={t`Empty the trash of ${project}`}
        word={project}
        action={t`Empty trash`}
        busy={empty.isPending}
        error={empty.error}
        failed={t`The trash was not emptied.`}
        onClose={() => setAsked(false)}
        onConfirm={() =>
          empty.mutate(undefined, {
            onSuccess: () => {
              setAsked(false);
              say(t`The trash of ${project} is empty.`);
            },
          })
        }
      >
        <p>
          <Trans>
            All that was deleted in {project} is gone for good then, and its space comes back. This
            can't be undone.
          </Trans>
        </p>
      </ConfirmDialog>
    </>
  );
}
