import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Form } from "../../ui/Form";
import { useNotices } from "../../ui/Notices";
import { Section } from "../../ui/Page";
import { Empty } from "../../ui/states";
import { DefaultRules } from "./DefaultRules";
import { type Policy, useDeletePolicy, useSavePolicy } from "./queries";
import { RulesEditor } from "./RulesEditor";
import { isNumber, numberOf, type Rule } from "./rule";
import { isSchedule, ScheduleField } from "./ScheduleField";

/** Whether a policy can be sent. */
export function isRight({ rules, cron }: Policy): boolean {
  return isSchedule(cron) && rules.every((rule) => isNumber(numberOf(rule)));
}

interface Props {
  projectId: number;
  /** The number of the policy, 0 for none. */
  id: number;
  stored: Policy;
  draft: Policy;
  dirty: boolean;
  /** Of the default policy, that hold besides. */
  others: Rule[];
  onDraft: (draft: Policy | undefined) => void;
}

/** A project's own rules and when they are carried out, to be read and changed. */
export function PolicySection({ projectId, id, stored, draft, dirty, others, onDraft }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const save = useSavePolicy(projectId, id);

  function submit() {
    const back = id > 0 ? () => save.mutateAsync(stored) : undefined;
    // With its first policy the page is made anew, and nobody here would be told of a success any more.
    save.mutateAsync(draft).then(
      () => {
        onDraft(undefined);
        say(t`The retention policy was saved.`, back);
      },
      () => undefined, // the form shows why
    );
  }

  return (
    <Section
      title={t`What stays`}
      actions={id > 0 && <DeletePolicy id={id} onDone={() => onDraft(undefined)} />}
    >
      <p>
        <Trans>
          What any of these rules keeps stays. Everything else goes from the repositories that a
          rule is about, when the policy is carried out. Repositories that no rule is about are let
          alone.
        </Trans>
      </p>
      <Form
        onSubmit={submit}
        action={t`Save policy`}
        busy={save.isPending}
        disabled={!dirty || !isRight(draft)}
        error={save.error}
        failed={t`The policy was not saved.`}
        more={
          dirty && (
            <Button variant="default" onClick={() => onDraft(undefined)}>
              <Trans>Discard changes</Trans>
            </Button>
          )
        }
      >
        {draft.rules.length === 0 && <Empty title={t`There are no rules: everything stays.`} />}
        <RulesEditor rules={draft.rules} onChange={(rules) => onDraft({ ...draft, rules })} />
        <DefaultRules rules={others} from={draft.rules.length + 1} />
        <ScheduleField
          cron={draft.cron}
          idle={t`by hand only`}
          onChange={(cron) => onDraft({ ...draft, cron })}
        />
      </Form>
    </Section>
  );
}

function DeletePolicy({ id, onDone }: { id: number; onDone: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const [asked, setAsked] = useState(false);
  const remove = useDeletePolicy(id);
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setAsked(true)}>
        <Trans>Delete policy</Trans>
      </Button>
      <ConfirmDialog
        opened={asked}
        title={t`Delete policy`}
        action={t`Delete policy`}
        busy={remove.isPending}
        error={remove.error}
        failed={t`The policy was not deleted.`}
        onClose={() => setAsked(false)}
        onConfirm={() =>
          remove.mutate(undefined, {
            onSuccess: () => {
              setAsked(false);
              onDone();
              say(t`The retention policy was deleted.`);
            },
          })
        }
      >
        <p>
          <Trans>
            Its rules, its schedule and the list of its runs go, and that can't be undone. What runs
            deleted can be restored from the trash as before.
          </Trans>
        </p>
      </ConfirmDialog>
    </>
  );
}
