import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import { useChanged, useDeleteRepository } from "./mutations";
import type { PlaceProps } from "./place";

/** Deletes a repository with all its artifacts, once its name is typed. */
export function DeleteRepository({ project, repository }: PlaceProps) {
  const { t } = useLingui();
  const navigate = useNavigate();
  const { say } = useNotices();
  const deletion = useDeleteRepository({ project, repository });
  const changed = useChanged();
  const [asking, setAsking] = useState(false);
  const confirm = () =>
    deletion.mutate(undefined, {
      onSuccess: async ({ undo }) => {
        say(t`Repository ${repository} deleted.`, undo);
        await navigate({ to: "/p/$project", params: { project } });
        await changed();
      },
    });
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconTrash size={16} aria-hidden />}
        onClick={() => setAsking(true)}
      >
        <Trans>Delete repository</Trans>
      </Button>
      <ConfirmDialog
        opened={asking}
        title={t`Delete repository`}
        word={repository}
        action={t`Delete repository`}
        busy={deletion.isPending}
        error={deletion.error}
        failed={t`The repository was not deleted.`}
        onConfirm={confirm}
        onClose={() => {
          setAsking(false);
          deletion.reset();
        }}
      >
        <p>
          <Trans>
            All artifacts of {repository} go with all their tags: nobody can pull them any more.
            They can be restored for as long as the registry keeps what is deleted.
          </Trans>
        </p>
      </ConfirmDialog>
    </>
  );
}
