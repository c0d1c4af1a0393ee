import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Textarea } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { Form } from "../../ui/Form";
import { useNotices } from "../../ui/Notices";
import { type TagRule, useRelease } from "./queries";
import { useRuleName } from "./words";

interface Props {
  project: string;
  rule: TagRule;
}

/** The word of a system administrator that a hold should end; the second one's ends it. */
export function ReleaseHold({ project, rule }: Props) {
  const { t } = useLingui();
  const name = useRuleName()(rule);
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button
        size="xs"
        variant="default"
        aria-label={t`Release ${name}`}
        onClick={() => setOpen(true)}
      >
        <Trans>Release</Trans>
      </Button>
      <Dialog title={t`End the hold before its time`} opened={open} onClose={() => setOpen(false)}>
        <ReleaseForm project={project} rule={rule} onClose={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function ReleaseForm({ project, rule, onClose }: Props & { onClose: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const release = useRelease(project);
  const [reason, setReason] = useState("");

  function submit() {
    release.mutate(
      { id: rule.id ?? 0, reason: reason.trim() },
      {
        onSuccess: ({ released }) => {
          onClose();
          say(
            released
              ? t`The hold has ended.`
              : t`Your word counts for a week. Another system administrator has to agree.`,
          );
        },
      },
    );
  }

  return (
    <Form
      onSubmit={submit}
      action={t`Release hold`}
      busy={release.isPending}
      disabled={!reason.trim()}
      error={release.error}
      failed={t`The hold was not released.`}
    >
      <p>
        <Trans>
          It takes two system administrators, in person, the second within a week of the first. Both
          reasons are in the audit log.
        </Trans>
      </p>
      {rule.release && (
        <p>
          <Trans>
            {rule.release.asked_by} has asked already: {rule.release.reason}
          </Trans>
        </p>
      )}
      <Textarea
        label={t`Your reason`}
        maxLength={1024}
        autosize={false}
        rows={3}
        data-autofocus
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </Form>
  );
}
