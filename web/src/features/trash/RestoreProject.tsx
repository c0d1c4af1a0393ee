import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { Form } from "../../ui/Form";
import { useNotices } from "../../ui/Notices";
import { type DeletedProject, useRestoreProject } from "./queries";

interface Props {
  project: DeletedProject;
  onClose: () => void;
}

/** Brings a deleted project back, with the repositories that were deleted in it or without. */
export function RestoreProject({ project, onClose }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const { id, name } = project;
  const restore = useRestoreProject();
  const [repositories, setRepositories] = useState(true);

  function submit() {
    restore.mutate(
      { id, repositories },
      {
        onSuccess: () => {
          say(t`The project ${name} is back.`);
          onClose();
        },
      },
    );
  }

  return (
    <Dialog title={t`Restore project ${name}`} opened onClose={onClose}>
      <Form
        onSubmit={submit}
        action={t`Restore project`}
        busy={restore.isPending}
        error={restore.error}
        failed={t`The project was not restored, or not all of it.`}
      >
        <Checkbox
          label={t`With the repositories that were deleted in it`}
          description={t`As far as their time isn't over. Without them they stay in its trash.`}
          checked={repositories}
          onChange={(event) => setRepositories(event.currentTarget.checked)}
        />
        <p>
          <Trans>Its robots and members can work again with their old secrets.</Trans>
        </p>
      </Form>
    </Dialog>
  );
}
