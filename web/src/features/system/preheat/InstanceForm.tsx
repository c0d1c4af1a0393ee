import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../../ui/Form";
import { useNotices } from "../../../ui/Notices";
import { Failed } from "../../../ui/states";
import parts from "../parts/parts.module.css";
import { AuthFields } from "./AuthFields";
import {
  type Draft,
  draftOf,
  type Instance,
  useProviders,
  useSaveInstance,
  useTestInstance,
} from "./queries";

const isAddress = (text: string) => /^https?:\/\/[^\s@]+$/.test(text.trim());

interface Props {
  stored: Instance | undefined;
  onDone: () => void;
}

/** A network of peers: where it is told of images, and as whom. */
export function InstanceForm({ stored, onDone }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const [draft, setDraft] = useState(() => draftOf(stored));
  const providers = useProviders();
  const save = useSaveInstance(stored);
  const test = useTestInstance();

  function change(part: Partial<Draft>) {
    save.reset();
    test.reset();
    setDraft((before) => ({ ...before, ...part }));
  }

  return (
    <Form
      action={stored ? t`Save instance` : t`Add instance`}
      busy={save.isPending}
      disabled={draft.name.trim() === "" || !isAddress(draft.endpoint)}
      error={save.error}
      failed={t`The instance was not saved.`}
      onSubmit={() =>
        save.mutate(draft, {
          onSuccess: () => {
            say(t`The instance ${draft.name} is saved.`);
            onDone();
          },
        })
      }
      more={
        <Button
          variant="default"
          disabled={!isAddress(draft.endpoint)}
          loading={test.isPending}
          onClick={() => test.mutate({ draft, stored })}
        >
          <Trans>Test connection</Trans>
        </Button>
      }
    >
      <NativeSelect
        label={t`Kind`}
        value={draft.vendor}
        data={(providers.data ?? []).map(({ id, name }) => ({
          value: id ?? "",
          label: name ?? "",
        }))}
        onChange={(event) => {
          const vendor = event.currentTarget.value;
          change({ vendor, mode: vendor === "kraken" ? "NONE" : "OAUTH" });
        }}
      />
      <TextInput
        label={t`Name`}
        data-autofocus
        value={draft.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      <TextInput
        label={t`Address`}
        type="url"
        description={
          draft.vendor === "kraken" ? t`Of the proxy of Kraken` : t`Of the manager of Dragonfly`
        }
        placeholder="https://manager.example.com"
        error={
          draft.endpoint !== "" && !isAddress(draft.endpoint)
            ? t`An address begins with https:// or http://, without a name and password in it.`
            : undefined
        }
        value={draft.endpoint}
        onChange={(event) => change({ endpoint: event.currentTarget.value })}
      />
      <AuthFields draft={draft} stored={stored} onChange={change} />
      <TextInput
        label={t`Description`}
        value={draft.description}
        onChange={(event) => change({ description: event.currentTarget.value })}
      />
      <Checkbox
        label={t`In use`}
        checked={draft.enabled}
        onChange={(event) => change({ enabled: event.currentTarget.checked })}
      />
      <Checkbox
        label={t`Offer it first`}
        checked={draft.isDefault}
        onChange={(event) => change({ isDefault: event.currentTarget.checked })}
      />
      {draft.endpoint.startsWith("https:") && (
        <Checkbox
          label={t`Don't check its certificate`}
          checked={draft.insecure}
          onChange={(event) => change({ insecure: event.currentTarget.checked })}
        />
      )}
      {test.isError && <Failed what={t`The instance is not well.`} error={test.error} />}
      {test.isSuccess && (
        <p role="status" className={parts.good}>
          <Trans>The instance answers.</Trans>
        </p>
      )}
    </Form>
  );
}
