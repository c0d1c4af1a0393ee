import { useLingui } from "@lingui/react/macro";
import { Checkbox, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { Fields, Form } from "../../ui/Form";
import { type Draft, faultsOf, policyOf } from "./draft";
import { FilterFields } from "./FilterFields";
import { HowFields } from "./HowFields";
import type { Policy } from "./queries";
import { RouteFields } from "./RouteFields";
import { TriggerFields } from "./TriggerFields";

interface Props {
  first: Draft;
  action: string;
  failed: string;
  busy: boolean;
  error: unknown;
  onSave: (policy: Policy) => void;
}

export interface PartProps {
  draft: Draft;
  /** What is wrong, once somebody has typed. */
  wrong: (fault: Parameters<ReturnType<typeof faultsOf>["has"]>[0]) => boolean;
  change: (part: Partial<Draft>) => void;
}

/** All that a policy says, in four groups. */
export function PolicyForm({ first, action, failed, busy, error, onSave }: Props) {
  const { t } = useLingui();
  const [draft, setDraft] = useState(first);
  const [touched, setTouched] = useState<ReadonlySet<keyof Draft>>(new Set());
  const [tried, setTried] = useState(false);
  const faults = faultsOf(draft);
  const parts: PartProps = {
    draft,
    wrong: (fault) => {
      const field =
        fault === "registries"
          ? touched.has("source") || touched.has("destination")
          : touched.has(fault);
      return faults.has(fault) && (tried || field);
    },
    change: (part) => {
      setDraft((before) => ({ ...before, ...part }));
      setTouched((before) => new Set([...before, ...(Object.keys(part) as (keyof Draft)[])]));
    },
  };

  function submit() {
    setTried(true);
    if (faults.size === 0) onSave(policyOf(draft));
  }

  return (
    <Form onSubmit={submit} action={action} busy={busy} error={error} failed={failed}>
      <Fields>
        <TextInput
          label={t`Name`}
          autoComplete="off"
          value={draft.name}
          error={parts.wrong("name") && t`A policy needs a name.`}
          onChange={(event) => parts.change({ name: event.currentTarget.value })}
        />
        <Checkbox
          label={t`Enabled`}
          description={t`Without it nothing begins the policy`}
          checked={draft.enabled}
          onChange={(event) => parts.change({ enabled: event.currentTarget.checked })}
        />
      </Fields>
      <Textarea
        label={t`Description`}
        rows={2}
        value={draft.description}
        onChange={(event) => parts.change({ description: event.currentTarget.value })}
      />
      <RouteFields {...parts} />
      <FilterFields {...parts} />
      <TriggerFields {...parts} />
      <HowFields {...parts} />
    </Form>
  );
}
