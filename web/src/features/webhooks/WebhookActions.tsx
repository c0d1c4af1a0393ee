import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import { Failed } from "../../ui/states";
import { bodyOfDraft, draftOf } from "./draft";
import { useChangeWebhook, useDeleteWebhook, type Webhook } from "./queries";
import classes from "./webhooks.module.css";

/** Switches a webhook on or off, or ends it. */
export function WebhookActions({ project, webhook }: { project: string; webhook: Webhook }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const change = useChangeWebhook(project);
  const [asking, setAsking] = useState(false);
  const { name = "", enabled = false, id } = webhook;

  const toggle = () =>
    change.mutate(
      { ...bodyOfDraft(draftOf(webhook)), id: id ?? 0, enabled: !enabled },
      {
        onSuccess: () =>
          say(enabled ? t`The webhook ${name} is disabled.` : t`The webhook ${name} is enabled.`),
      },
    );

  return (
    <div className={classes.row}>
      <Button size="xs" variant="default" loading={change.isPending} onClick={toggle}>
        {enabled ? <Trans>Disable webhook</Trans> : <Trans>Enable webhook</Trans>}
      </Button>
      <Button size="xs" variant="default" onClick={() => setAsking(true)}>
        <Trans>Delete webhook</Trans>
      </Button>
      {change.isError && <Failed what={t`The webhook was not changed.`} error={change.error} />}
      <DeleteWebhook
        project={project}
        webhook={webhook}
        opened={asking}
        onClose={() => setAsking(false)}
      />
    </div>
  );
}

interface DeleteProps {
  project: string;
  webhook: Webhook;
  opened: boolean;
  onClose: () => void;
}

function DeleteWebhook({ project, webhook, opened, onClose }: DeleteProps) {
  const { t } = useLingui();
  const { say } = useNotices();
  const navigate = useNavigate();
  const remove = useDeleteWebhook(project);
  const { name = "" } = webhook;

  function confirm() {
    remove.mutate(webhook.id ?? 0, {
      onSuccess: () => {
        say(t`The webhook ${name} is deleted.`);
        void navigate({ to: "/p/$project/settings/webhooks", params: { project } });
      },
    });
  }

  return (
    <ConfirmDialog
      opened={opened}
      title={t`Delete webhook`}
      action={t`Delete webhook`}
      busy={remove.isPending}
      error={remove.error}
      failed={t`The webhook was not deleted.`}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        <Trans>
          {name} is deleted with its secrets, its log and what waits to be sent. That can't be
          undone; disabling it can.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
