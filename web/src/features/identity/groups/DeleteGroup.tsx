import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../../ui/ConfirmDialog";
import { useNotices } from "../../../ui/Notices";
import { type Group, useDeleteGroup } from "./queries";

export function DeleteGroup({ group, onClose }: { group: Group; onClose: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const remove = useDeleteGroup();
  const name = group.group_name ?? "";

  function confirm() {
    remove.mutate(group.id ?? 0, {
      onSuccess: () => {
        say(t`The group ${name} is forgotten.`);
        onClose();
      },
    });
  }

  return (
    <ConfirmDialog
      opened
      title={t`Delete group ${name}`}
      word={name}
      action={t`Delete group`}
      busy={remove.isPending}
      error={remove.error}
      failed={t`The group was not deleted.`}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        <Trans>
          All its people lose the roles that they have by it, at once and in every project. Nothing
          changes in the directory or at the provider; the group comes back without any role when
          somebody in it signs in.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
