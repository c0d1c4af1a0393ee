import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import type { Member } from "./queries";

/** Another role for a member; none: it is removed. */
export interface Change {
  member: Member;
  role?: number | undefined;
  /** Why it is asked for: the last admin, or the caller. */
  why?: "last" | "own";
}

interface Props {
  change: Change | undefined;
  busy: boolean;
  error: unknown;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before a change that leaves a project without an admin, or takes the caller's own rights. */
export function Risky({ change, busy, error, onConfirm, onClose }: Props) {
  const { t } = useLingui();
  const name = change?.member.entity_name ?? "";
  const takesRole = change?.role !== undefined;
  return (
    <ConfirmDialog
      opened={change !== undefined}
      title={takesRole ? t`Change the role of ${name}` : t`Remove ${name}`}
      action={takesRole ? t`Change role` : t`Remove member`}
      failed={takesRole ? t`The role was not changed.` : t`The member was not removed.`}
      busy={busy}
      error={error}
      onConfirm={onConfirm}
      onClose={onClose}
    >
      {change?.why === "last" ? (
        <p>
          <Trans>
            {name} is the last admin of this project. Without one only administrators of the
            registry can change its members and settings.
          </Trans>
        </p>
      ) : (
        <p>
          <Trans>
            This is you. You may not be able to take it back: one of the project's admins would have
            to.
          </Trans>
        </p>
      )}
    </ConfirmDialog>
  );
}
