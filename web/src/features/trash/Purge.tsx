import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import { type Deletion, usePurge } from "./queries";
import { useDeletionName } from "./words";

interface Props {
  project: string;
  deletion: Deletion;
}

/** Takes one deletion away for good. */
export function Purge({ project, deletion }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const name = useDeletionName()(deletion);
  const [asked, setAsked] = useState(false);
  const purge = usePurge(project);
  return (
    <>
      <Button
        size="xs"
        variant="default"
        aria-label={t`Delete ${name} for good`}
        onClick={() => setAsked(true)}
      >
        <Trans>Delete for good</Trans>
      </Button>
      <ConfirmDialog
        opened={asked}
        title={t`Delete ${name} for good`}
        word={deletion.repository}
        action={t`Delete for good`}
        busy={purge.isPending}
        error={purge.error}
        failed={t`It was not deleted.`}
        onClose={() => setAsked(false)}
        onConfirm={() =>
          purge.mutate(deletion.id, { onSuccess: () => say(t`${name} is gone for good.`) })
        }
      >
        <p>
          <Trans>Nobody can restore it then, and its space comes back. This can't be undone.</Trans>
        </p>
      </ConfirmDialog>
    </>
  );
}
