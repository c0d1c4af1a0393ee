import { useLingui } from "@lingui/react/macro";
import { Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { Fields, Form } from "../../ui/Form";
import { type Draft, isGood, isName } from "./draft";
import { FilterFields } from "./FilterFields";
import { instanceName } from "./instance";
import { PeerFields } from "./PeerFields";
import type { Provider } from "./queries";
import { TriggerFields } from "./TriggerFields";

interface Props {
  start: Draft;
  providers: Provider[];
  action: string;
  busy: boolean;
  error: unknown;
  failed: string;
  done?: string | undefined;
  more?: ReactNode;
  onSubmit: (draft: Draft) => void;
}

/** Which images are fetched, by whom, and when. */
export function PreheatForm({ start, providers, onSubmit, ...form }: Props) {
  const { t } = useLingui();
  const [draft, setDraft] = useState(start);
  const [named, setNamed] = useState(false);
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const nameOf = (provider: Provider) => {
    const name = instanceName(provider);
    return provider.enabled ? name : t`${name} (disabled)`;
  };
  const chosen = providers.find((provider) => provider.id === draft.provider);
  return (
    <Form {...form} disabled={!isGood(draft)} onSubmit={() => onSubmit(draft)}>
      <Fields>
        <TextInput
          label={t`Name`}
          autoCapitalize="none"
          spellCheck={false}
          value={draft.name}
          error={
            named &&
            !isName(draft.name) &&
            t`Letters and digits, parted by single dots, dashes or underscores.`
          }
          onChange={(event) => {
            setNamed(true);
            change({ name: event.currentTarget.value });
          }}
        />
        <NativeSelect
          label={t`Instance`}
          data={providers.map((provider) => ({
            value: String(provider.id),
            label: nameOf(provider),
          }))}
          value={String(draft.provider)}
          onChange={(event) => change({ provider: Number(event.currentTarget.value) })}
        />
      </Fields>
      <TextInput
        label={t`Description`}
        value={draft.description}
        onChange={(event) => change({ description: event.currentTarget.value })}
      />
      <FilterFields draft={draft} change={change} />
      <TriggerFields draft={draft} change={change} />
      {chosen?.provider?.startsWith("dragonfly") && <PeerFields draft={draft} change={change} />}
      <Checkbox
        label={t`Enabled`}
        checked={draft.enabled}
        onChange={(event) => change({ enabled: event.currentTarget.checked })}
      />
    </Form>
  );
}
