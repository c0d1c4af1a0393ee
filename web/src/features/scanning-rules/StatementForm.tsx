import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { Fields, Form } from "../../ui/Form";
import { useNotices } from "../../ui/Notices";
import { endOfDay } from "./cves";
import { type NewStatement, useMakeStatement } from "./queries";
import { justificationWords, statusWords, type VexStatus } from "./vex";
import { WhereFields } from "./WhereFields";

const blank = {
  vulnerability: "",
  status: "not_affected" as VexStatus,
  justification: "",
  reason: "",
  repository: "",
  digest: "",
  package: "",
  version: "",
  until: "",
};

export type StatementDraft = typeof blank;

function bodyOf({ until, status, ...texts }: StatementDraft): NewStatement {
  const given = Object.entries(texts).filter(([, text]) => text.trim() !== "");
  const end = endOfDay(until);
  return {
    ...Object.fromEntries(given.map(([key, text]) => [key, text.trim()])),
    status,
    ...(end !== null && { expires_at: new Date(end * 1000).toISOString() }),
  };
}

/** States that a vulnerability does or doesn't matter somewhere. */
export function StatementForm({ project, onClose }: { project: string; onClose: () => void }) {
  const { t, i18n } = useLingui();
  const { say } = useNotices();
  const make = useMakeStatement(project);
  const [draft, setDraft] = useState(blank);
  const change = (part: Partial<StatementDraft>) => setDraft({ ...draft, ...part });
  const unproven =
    draft.status === "not_affected" && draft.justification === "" && draft.reason.trim() === "";
  const unplaced = draft.version.trim() !== "" && draft.package.trim() === "";
  const past = draft.until !== "" && (endOfDay(draft.until) ?? 0) * 1000 < Date.now();
  const ready = draft.vulnerability.trim() !== "" && !unproven && !unplaced && !past;

  function submit() {
    make.mutate(bodyOf(draft), {
      onSuccess: () => {
        say(t`The statement on ${draft.vulnerability} is made.`);
        onClose();
      },
    });
  }

  return (
    <Form
      onSubmit={submit}
      action={t`Make statement`}
      busy={make.isPending}
      disabled={!ready}
      error={make.error}
      failed={t`The statement was not made.`}
      more={
        <Button variant="default" onClick={onClose}>
          <Trans>Cancel</Trans>
        </Button>
      }
    >
      <Fields>
        <TextInput
          label={t`Vulnerability`}
          placeholder="CVE-2024-3094"
          spellCheck={false}
          value={draft.vulnerability}
          onChange={(event) => change({ vulnerability: event.currentTarget.value })}
        />
        <NativeSelect
          label={t`Status`}
          data={Object.entries(statusWords).map(([value, words]) => ({
            value,
            label: i18n._(words),
          }))}
          value={draft.status}
          onChange={(event) => change({ status: event.currentTarget.value as VexStatus })}
        />
      </Fields>
      {draft.status === "not_affected" && (
        <NativeSelect
          label={t`Why it isn't affected`}
          data={[
            { value: "", label: t`As said in the reason` },
            ...Object.entries(justificationWords).map(([value, words]) => ({
              value,
              label: i18n._(words),
            })),
          ]}
          value={draft.justification}
          onChange={(event) => change({ justification: event.currentTarget.value })}
        />
      )}
      <Textarea
        label={t`Reason`}
        description={unproven ? t`Say why it isn't affected, here or above.` : undefined}
        rows={2}
        value={draft.reason}
        onChange={(event) => change({ reason: event.currentTarget.value })}
      />
      <WhereFields draft={draft} change={change} unplaced={unplaced} />
      <TextInput
        type="date"
        label={t`Until`}
        description={t`Empty: until it is withdrawn.`}
        value={draft.until}
        error={past && t`This day is over.`}
        onChange={(event) => change({ until: event.currentTarget.value })}
      />
    </Form>
  );
}
