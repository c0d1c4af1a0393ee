import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import { ButtonLink } from "../../ui/ButtonLink";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import { type Policy, useDeletePolicy, useStart } from "./queries";

/** Carry a policy out, change it, end it. */
export function PolicyActions({ policy }: { policy: Policy }) {
  const { t } = useLingui();
  const navigate = useNavigate();
  const start = useStart();
  const id = policy.id ?? 0;
  const params = { policy: String(id) };
  const why = start.isError ? asProblem(start.error).message : "";
  return (
    <>
      {why && <span role="alert">{t`It was not run: ${why}`}</span>}
      {policy.enabled && (
        <Button
          loading={start.isPending}
          onClick={() =>
            start.mutate(id, {
              onSuccess: (run) =>
                navigate({
                  to: "/replication/$policy/runs/$run",
                  params: { ...params, run: String(run) },
                }),
            })
          }
        >
          <Trans>Run now</Trans>
        </Button>
      )}
      <ButtonLink to="/replication/$policy/edit" params={params}>
        <Trans>Edit policy</Trans>
      </ButtonLink>
      <DeletePolicy policy={policy} />
    </>
  );
}

function DeletePolicy({ policy }: { policy: Policy }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const navigate = useNavigate();
  const remove = useDeletePolicy();
  const [asks, setAsks] = useState(false);
  const name = policy.name ?? "";
  return (
    <>
      <Button variant="default" onClick={() => setAsks(true)}>
        <Trans>Delete policy</Trans>
      </Button>
      <ConfirmDialog
        opened={asks}
        title={t`Delete policy`}
        word={name}
        action={t`Delete policy`}
        busy={remove.isPending}
        error={remove.error}
        failed={t`The policy was not deleted.`}
        onClose={() => setAsks(false)}
        onConfirm={() =>
          remove.mutate(policy.id ?? 0, {
            onSuccess: async () => {
              await navigate({ to: "/replication" });
              say(t`The policy ${name} is deleted.`);
            },
          })
        }
      >
        <p>
          <Trans>
            The policy and the history of its runs go. What it has copied stays where it is.
          </Trans>
        </p>
      </ConfirmDialog>
    </>
  );
}
