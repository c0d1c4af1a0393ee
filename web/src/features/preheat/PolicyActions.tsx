import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import classes from "./preheat.module.css";
import { type Policy, useDeletePolicy, useRunPolicy } from "./queries";

const route = getRouteApi("/p/$project/settings/preheat/policy/$policy");

/** Carries a policy out now, or removes it. */
export function PolicyActions({ project, policy }: { project: string; policy: Policy }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const openIn = route.useNavigate();
  const run = useRunPolicy(project);
  const [asking, setAsking] = useState(false);
  return (
    <div className={classes.row}>
      <Button
        size="xs"
        loading={run.isPending}
        onClick={() =>
          run.mutate(policy, {
            onSuccess: (execution) =>
              openIn({ search: { open: Number(execution) }, replace: true }),
            onError: (error) => say(t`The policy was not run: ${error.message}`),
          })
        }
      >
        <Trans>Run policy now</Trans>
      </Button>
      <Button size="xs" variant="default" onClick={() => setAsking(true)}>
        <Trans>Delete policy</Trans>
      </Button>
      <DeletePolicy
        project={project}
        policy={policy.name ?? ""}
        opened={asking}
        onClose={() => setAsking(false)}
      />
    </div>
  );
}

interface DeleteProps {
  project: string;
  policy: string;
  opened: boolean;
  onClose: () => void;
}

function DeletePolicy({ project, policy, opened, onClose }: DeleteProps) {
  const { t } = useLingui();
  const { say } = useNotices();
  const navigate = useNavigate();
  const remove = useDeletePolicy(project);
  function confirm() {
    remove.mutate(policy, {
      onSuccess: () => {
        say(t`The policy ${policy} is deleted.`);
        void navigate({ to: "/p/$project/settings/preheat", params: { project } });
      },
    });
  }
  return (
    <ConfirmDialog
      opened={opened}
      title={t`Delete policy`}
      action={t`Delete policy`}
      busy={remove.isPending}
      error={remove.error}
      failed={t`The policy was not deleted.`}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        <Trans>{policy} is deleted with its executions and their logs. That can't be undone.</Trans>
      </p>
    </ConfirmDialog>
  );
}
