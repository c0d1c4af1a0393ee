import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useState } from "react";
import { asProblem } from "../../../api/problem";
import { Form } from "../../../ui/Form";
import { useNotices } from "../../../ui/Notices";
import { CredentialFields } from "./CredentialFields";
import { exampleAddresses, kindName } from "./kinds";
import {
  type Draft,
  draftOf,
  type KindInfo,
  type Registry,
  useSaveRegistry,
  useTestRegistry,
} from "./queries";
import { TestSteps } from "./TestSteps";
import { TlsFields } from "./TlsFields";

interface Props {
  stored: Registry | undefined;
  known: { kinds: string[]; infos: Record<string, KindInfo> };
  onDone: () => void;
}

const isAddress = (text: string) => /^https?:\/\/[^\s@]+$/.test(text.trim());

/** A registry elsewhere: what it is, where, and as whom Haven comes. */
export function RegistryForm({ stored, known, onDone }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const [draft, setDraft] = useState(() => draftOf(stored));
  const save = useSaveRegistry();
  const test = useTestRegistry();
  const info = known.infos[draft.type];
  const endpoints = info?.endpoint_pattern?.endpoints ?? [];
  const whole = draft.name.trim() !== "" && isAddress(draft.url);
  const refused = save.isError && asProblem(save.error).message.includes("unhealthy");

  function change(part: Partial<Draft>) {
    save.reset();
    test.reset();
    setDraft((before) => ({ ...before, ...part }));
  }

  function chooseKind(type: string) {
    const next = known.infos[type]?.endpoint_pattern?.endpoints ?? [];
    const fixed = known.infos[type]?.credential_pattern?.access_key_data;
    change({ type, url: next.length === 1 ? (next[0]?.value ?? "") : "", accessKey: fixed ?? "" });
  }

  return (
    <Form
      action={stored ? t`Save registry` : t`Add registry`}
      busy={save.isPending}
      disabled={!whole}
      error={refused ? undefined : save.error}
      failed={t`The registry was not saved.`}
      onSubmit={() =>
        save.mutate(draft, {
          onSuccess: () => {
            const name = draft.name.trim();
            say(stored ? t`The registry ${name} is saved.` : t`The registry ${name} is added.`);
            onDone();
          },
        })
      }
      more={
        <Button
          variant="default"
          loading={test.isPending}
          disabled={!isAddress(draft.url)}
          onClick={() => test.mutate({ draft, stored })}
        >
          <Trans>Test connection</Trans>
        </Button>
      }
    >
      <NativeSelect
        label={t`Kind`}
        value={draft.type}
        disabled={!!stored}
        data={known.kinds.map((kind) => ({ value: kind, label: kindName(kind) }))}
        onChange={(event) => chooseKind(event.currentTarget.value)}
      />
      <TextInput
        label={t`Name`}
        description={t`By which policies and projects refer to it here`}
        data-autofocus
        value={draft.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      {endpoints.length > 1 && (
        <NativeSelect
          label={t`Region`}
          value={endpoints.some(({ value }) => value === draft.url) ? draft.url : ""}
          data={[
            { value: "", label: t`Another address` },
            ...endpoints.map(({ key, value }) => ({ value: value ?? "", label: key ?? "" })),
          ]}
          onChange={(event) => change({ url: event.currentTarget.value })}
        />
      )}
      <TextInput
        label={t`Address`}
        type="url"
        placeholder={exampleAddresses[draft.type] ?? "https://registry.example.com"}
        error={
          draft.url !== "" && !isAddress(draft.url)
            ? t`An address begins with https:// or http://, without a name and password in it.`
            : undefined
        }
        value={draft.url}
        onChange={(event) => change({ url: event.currentTarget.value })}
      />
      <CredentialFields draft={draft} info={info} stored={stored} onChange={change} />
      <TextInput
        label={t`Description`}
        value={draft.description}
        onChange={(event) => change({ description: event.currentTarget.value })}
      />
      <TlsFields draft={draft} onChange={change} />
      {(test.isSuccess || test.isError || refused) && (
        <TestSteps
          error={refused ? save.error : test.error}
          secure={draft.url.trim().startsWith("https:")}
        />
      )}
    </Form>
  );
}
