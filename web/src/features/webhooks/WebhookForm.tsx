import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Checkbox, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import type { Schema } from "../../api/client";
import { Fields, Form } from "../../ui/Form";
import { type Draft, isGood, mostTargets, newTarget, type TargetDraft } from "./draft";
import { EventChoices } from "./EventChoices";
import { TargetFields } from "./TargetFields";

interface Props {
  start: Draft;
  supported: Schema["SupportedWebhookEventTypes"];
  action: string;
  busy: boolean;
  error: unknown;
  failed: string;
  done?: string | undefined;
  more?: ReactNode;
  onSubmit: (draft: Draft) => void;
}

/** What a webhook tells, and to whom. */
export function WebhookForm({ start, supported, onSubmit, ...form }: Props) {
  const { t } = useLingui();
  const [draft, setDraft] = useState(start);
  const [named, setNamed] = useState(false);
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const changeTarget = (target: TargetDraft) =>
    change({ targets: draft.targets.map((each) => (each.key === target.key ? target : each)) });

  return (
    <Form {...form} disabled={!isGood(draft)} onSubmit={() => onSubmit(draft)}>
      <Fields>
        <TextInput
          label={t`Name`}
          maxLength={255}
          value={draft.name}
          error={named && draft.name.trim() === "" && t`A webhook needs a name.`}
          onChange={(event) => {
            setNamed(true);
            change({ name: event.currentTarget.value });
          }}
        />
        <TextInput
          label={t`Description`}
          maxLength={1024}
          value={draft.description}
          onChange={(event) => change({ description: event.currentTarget.value })}
        />
      </Fields>
      <EventChoices
        types={supported.event_type}
        chosen={draft.events}
        onChange={(events) => change({ events })}
      />
      {draft.targets.map((target, place) => (
        <TargetFields
          key={target.key}
          title={draft.targets.length > 1 ? t`Address ${place + 1}` : t`Where to`}
          target={target}
          types={supported.notify_type}
          onChange={changeTarget}
          onRemove={
            draft.targets.length > 1
              ? () => change({ targets: draft.targets.filter((each) => each.key !== target.key) })
              : undefined
          }
        />
      ))}
      {draft.targets.length < mostTargets && (
        <div>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={16} aria-hidden />}
            onClick={() => change({ targets: [...draft.targets, newTarget()] })}
          >
            <Trans>Add another address</Trans>
          </Button>
        </div>
      )}
      <Checkbox
        label={t`Enabled`}
        description={t`A disabled webhook hears of nothing; what waited goes on when it is enabled again.`}
        checked={draft.enabled}
        onChange={(event) => change({ enabled: event.currentTarget.checked })}
      />
    </Form>
  );
}
