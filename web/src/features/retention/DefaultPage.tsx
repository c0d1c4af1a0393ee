import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { Form } from "../../ui/Form";
import { useNotices } from "../../ui/Notices";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import { useDefaultPolicy, useDeleteDefault, useSaveDefault } from "./default";
import { isRight } from "./PolicySection";
import type { Policy } from "./queries";
import { RulesEditor } from "./RulesEditor";
import { sameRules } from "./rule";
import { ScheduleField } from "./ScheduleField";

const DefaultPreview = lazy(async () => ({
  default: (await import("./DefaultPreview")).DefaultPreview,
}));

const none: Policy = { rules: [], cron: "" };

/** The retention policy of projects that have none of their own, for administrators. */
export function DefaultRetentionPage() {
  const { t } = useLingui();
  const stored = useDefaultPolicy();
  const [draft, setDraft] = useState<Policy>();
  if (stored.isPending) return <Loading />;
  if (stored.isError) {
    return (
      <Failed
        what={t`The default policy can't be shown.`}
        error={stored.error}
        retry={() => stored.refetch()}
      />
    );
  }
  const shown = draft ?? stored.data ?? none;
  return (
    <>
      <Section
        title={t`Default retention`}
        actions={
          stored.data && <EndDefault stored={stored.data} onDone={() => setDraft(undefined)} />
        }
      >
        <p>
          <Trans>
            By its schedule this is carried out in each project that has no policy of its own, those
            that exist included. A project can refuse it, or have it beside its own. Caches of other
            registries are let alone.
          </Trans>
        </p>
        <DefaultForm stored={stored.data} shown={shown} onDraft={setDraft} />
      </Section>
      <Suspense fallback={<Loading rows={3} />}>
        <DefaultPreview rules={shown.rules} />
      </Suspense>
    </>
  );
}

interface Props {
  stored: Policy | null;
  shown: Policy;
  onDraft: (draft: Policy | undefined) => void;
}

function DefaultForm({ stored, shown, onDraft }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const save = useSaveDefault();
  const before = stored ?? none;
  const dirty = shown.cron !== before.cron || !sameRules(shown.rules, before.rules);

  function submit() {
    save.mutate(shown, {
      onSuccess: () => {
        onDraft(undefined);
        say(t`The default policy was saved.`, stored ? () => save.mutateAsync(stored) : undefined);
      },
    });
  }

  return (
    <Form
      onSubmit={submit}
      action={t`Save default policy`}
      busy={save.isPending}
      disabled={!dirty || !isRight(shown)}
      error={save.error}
      failed={t`The default policy was not saved.`}
      more={
        dirty && (
          <Button variant="default" onClick={() => onDraft(undefined)}>
            <Trans>Discard changes</Trans>
          </Button>
        )
      }
    >
      {shown.rules.length === 0 && <Empty title={t`There are no rules: everything stays.`} />}
      <RulesEditor rules={shown.rules} onChange={(rules) => onDraft({ ...shown, rules })} />
      <ScheduleField
        cron={shown.cron}
        idle={t`not by itself`}
        onChange={(cron) => onDraft({ ...shown, cron })}
      />
    </Form>
  );
}

/** Ends the default policy. To make it again is exact, so that can be undone. */
function EndDefault({ stored, onDone }: { stored: Policy; onDone: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const end = useDeleteDefault();
  const save = useSaveDefault();
  return (
    <>
      <Button
        size="xs"
        variant="default"
        loading={end.isPending}
        onClick={() =>
          end.mutate(undefined, {
            onSuccess: () => {
              onDone();
              say(t`The default policy was ended.`, () => save.mutateAsync(stored));
            },
          })
        }
      >
        <Trans>End default policy</Trans>
      </Button>
      {end.isError && <Failed what={t`The default policy was not ended.`} error={end.error} />}
    </>
  );
}
