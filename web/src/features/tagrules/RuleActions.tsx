import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import { RowButtons } from "../../ui/RowButtons";
import { Failed } from "../../ui/states";
import { useProject } from "../projects/queries";
import { useMay } from "../session/may";
import { useUser } from "../session/queries";
import { type TagRule, useDeleteTagRule, useSaveTagRule } from "./queries";
import { ReleaseHold } from "./ReleaseHold";
import { holds } from "./rule";
import { useRuleName } from "./words";

interface Props {
  project: string;
  rule: TagRule;
  onEdit: () => void;
}

/** What can be done about a rule. One that holds can't be disabled or deleted, but released. */
export function RuleActions({ project, rule, onEdit }: Props) {
  const { t } = useLingui();
  const name = useRuleName()(rule);
  const may = useMay(useProject(project).data?.project_id);
  const user = useUser();
  const held = holds(rule, new Date());
  return (
    <RowButtons>
      {may("immutable-tag", "update") && (
        <Button size="xs" variant="default" aria-label={t`Edit ${name}`} onClick={onEdit}>
          {held ? t`Extend` : t`Edit`}
        </Button>
      )}
      {may("immutable-tag", "update") && !held && <Disable project={project} rule={rule} />}
      {may("immutable-tag", "delete") && !held && <Delete project={project} rule={rule} />}
      {held && user?.sysadmin_flag && <ReleaseHold project={project} rule={rule} />}
    </RowButtons>
  );
}

function Disable({ project, rule }: { project: string; rule: TagRule }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const name = useRuleName()(rule);
  const save = useSaveTagRule(project);
  const disabled = rule.disabled ?? false;

  function toggle() {
    save.mutate(
      { ...rule, disabled: !disabled },
      {
        onSuccess: () =>
          say(disabled ? t`Enabled: ${name}` : t`Disabled: ${name}`, () => save.mutateAsync(rule)),
      },
    );
  }

  return (
    <>
      <Button
        size="xs"
        variant="default"
        loading={save.isPending}
        aria-label={disabled ? t`Enable ${name}` : t`Disable ${name}`}
        onClick={toggle}
      >
        {disabled ? t`Enable` : t`Disable`}
      </Button>
      {save.isError && <Failed what={t`The rule was not changed.`} error={save.error} />}
    </>
  );
}

/** Asks first: a rule that is made again has another number, and who made it isn't known any more. */
function Delete({ project, rule }: { project: string; rule: TagRule }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const name = useRuleName()(rule);
  const [asked, setAsked] = useState(false);
  const remove = useDeleteTagRule(project);
  return (
    <>
      <Button
        size="xs"
        variant="default"
        aria-label={t`Delete ${name}`}
        onClick={() => setAsked(true)}
      >
        <Trans>Delete</Trans>
      </Button>
      <ConfirmDialog
        opened={asked}
        title={t`Delete tag rule`}
        action={t`Delete tag rule`}
        busy={remove.isPending}
        error={remove.error}
        failed={t`The rule was not deleted.`}
        onClose={() => setAsked(false)}
        onConfirm={() =>
          remove.mutate(rule.id ?? 0, { onSuccess: () => say(t`The tag rule was deleted.`) })
        }
      >
        <p>{name}</p>
        <p>
          <Trans>
            The tags that it protects can be moved and deleted then. To let them go only for a
            while, disable the rule.
          </Trans>
        </p>
      </ConfirmDialog>
    </>
  );
}
