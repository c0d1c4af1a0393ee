import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Form } from "../../ui/Form";
import { useNotices } from "../../ui/Notices";
import { Section } from "../../ui/Page";
import { Loading } from "../../ui/states";
import { type TagRule, useSaveTagRule } from "./queries";
import { RuleFields } from "./RuleFields";
import { holds, kindOf } from "./rule";

const Matches = lazy(async () => ({ default: (await import("./Matches")).Matches }));

interface Props {
  project: string;
  /** The rule that is changed, or a blank one. */
  stored: TagRule;
  onClose: () => void;
}

/** Makes or changes a rule; below the fields stands what it is about now. */
export function RuleEditor({ project, stored, onClose }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const save = useSaveTagRule(project);
  const [rule, setRule] = useState(stored);
  const [asked, setAsked] = useState(false);
  const now = new Date();
  const begins = kindOf(rule) === "hold" && rule.hold_until !== stored.hold_until;
  const ready = rule.tags.trim() !== "" && (kindOf(rule) !== "hold" || holds(rule, now));

  function send() {
    const back = stored.id && !begins ? () => save.mutateAsync(stored) : undefined;
    save.mutate(rule, {
      onSuccess: () => {
        say(t`The tag rule was saved.`, back);
        onClose();
      },
    });
  }

  return (
    <Section title={stored.id ? t`Edit tag rule` : t`Add tag rule`}>
      <Form
        onSubmit={() => (begins ? setAsked(true) : send())}
        action={t`Save tag rule`}
        busy={save.isPending}
        disabled={!ready}
        error={asked ? undefined : save.error}
        failed={t`The rule was not saved.`}
        more={
          <Button variant="default" onClick={onClose}>
            <Trans>Cancel</Trans>
          </Button>
        }
      >
        <RuleFields rule={rule} held={holds(stored, now)} stored={stored} onChange={setRule} />
      </Form>
      <Suspense fallback={<Loading rows={2} />}>
        <Matches project={project} rule={rule} />
      </Suspense>
      <ConfirmDialog
        opened={asked}
        title={t`Begin a legal hold`}
        word={project}
        action={t`Begin legal hold`}
        busy={save.isPending}
        error={save.error}
        failed={t`The rule was not saved.`}
        onClose={() => setAsked(false)}
        onConfirm={send}
      >
        <p>
          <Trans>
            Until its end nobody can shorten or delete it, and what it holds takes space. Only two
            system administrators together can end it before.
          </Trans>
        </p>
      </ConfirmDialog>
    </Section>
  );
}
