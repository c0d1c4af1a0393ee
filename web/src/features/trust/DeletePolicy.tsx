import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import { type SignaturePolicy, useChangePolicy } from "./queries";

/** Removes the project's own policy; the registry's holds then, if it has one. */
export function DeletePolicy({ project, policy }: { project: string; policy: SignaturePolicy }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const change = useChangePolicy(project);
  const [asking, setAsking] = useState(false);

  function confirm() {
    change.mutate(null, {
      onSuccess: () => {
        setAsking(false);
        say(t`The trust policy is deleted.`, () => change.mutateAsync(policy.document ?? {}));
      },
    });
  }

  return (
    <>
      <Button size="xs" variant="default" onClick={() => setAsking(true)}>
        <Trans>Delete policy</Trans>
      </Button>
      <ConfirmDialog
        opened={asking}
        title={t`Delete policy`}
        action={t`Delete policy`}
        busy={change.isPending}
        error={change.error}
        failed={t`The policy was not deleted.`}
        onConfirm={confirm}
        onClose={() => setAsking(false)}
      >
        <p>
          <Trans>The registry's policy holds here then, if there is one.</Trans>{" "}
          {policy.enforced && (
            <Trans>
              Without one, any signature will do: unsigned images stay refused, whoever signed the
              others.
            </Trans>
          )}
        </p>
      </ConfirmDialog>
    </>
  );
}
