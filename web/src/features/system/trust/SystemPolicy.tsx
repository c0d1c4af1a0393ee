import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../../ui/ConfirmDialog";
import { useNotices } from "../../../ui/Notices";
import { Section } from "../../../ui/Page";
import { When } from "../../../ui/When";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { PolicyForm } from "./PolicyForm";
import { type Policy, usePolicy, useRemovePolicy } from "./queries";

/** Whom projects without a policy of their own trust to sign. */
export function SystemPolicy() {
  const { t } = useLingui();
  const policy = usePolicy();
  const [asked, setAsked] = useState(false);
  return (
    <Section
      title={t`Trust policy of the registry`}
      actions={
        policy.data?.document && (
          <Button variant="default" onClick={() => setAsked(true)}>
            <Trans>Remove policy</Trans>
          </Button>
        )
      }
    >
      <p className={classes.prose}>
        <Trans>
          It says whose signatures count in projects that have no policy of their own. Pulls are
          refused by it in those projects that demand signatures. All keys and certificates stand in
          it as PEM.
        </Trans>
      </p>
      <Shown query={policy} what={t`The policy can't be shown.`}>
        {(data) => <Contents key={data.set_at} policy={data} />}
      </Shown>
      <RemovePolicy opened={asked} onClose={() => setAsked(false)} />
    </Section>
  );
}

function Contents({ policy }: { policy: Policy }) {
  return (
    <>
      {policy.set_at && (
        <p className={classes.small}>
          <Trans>
            Set by {policy.set_by} <When time={policy.set_at} />.
          </Trans>
        </p>
      )}
      <PolicyForm document={policy.document} />
    </>
  );
}

function RemovePolicy({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const remove = useRemovePolicy();
  return (
    <ConfirmDialog
      opened={opened}
      title={t`Remove policy`}
      action={t`Remove policy`}
      busy={remove.isPending}
      error={remove.error}
      failed={t`The policy was not removed.`}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(undefined, {
          onSuccess: () => {
            say(t`The policy of the registry is removed.`);
            onClose();
          },
        })
      }
    >
      <p>
        <Trans>
          In projects that demand signatures, and have no policy of their own, a signature by
          anybody is enough from then on.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
