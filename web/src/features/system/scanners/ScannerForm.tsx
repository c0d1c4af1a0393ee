import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Checkbox, TextInput } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../../ui/Form";
import { useNotices } from "../../../ui/Notices";
import { Failed } from "../../../ui/states";
import parts from "../parts/parts.module.css";
import { AuthFields } from "./AuthFields";
import {
  type Draft,
  draftOf,
  isBuiltIn,
  type Scanner,
  useSaveScanner,
  useTestScanner,
} from "./queries";

const isAddress = (text: string) => /^https?:\/\/[^\s@]+$/.test(text.trim());

interface Props {
  stored: Scanner | undefined;
  onDone: () => void;
}

/** A scanner: where it is and how it knows Haven. Of the built-in one only little can be changed. */
export function ScannerForm({ stored, onDone }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const [draft, setDraft] = useState(() => draftOf(stored));
  const save = useSaveScanner(stored?.uuid);
  const test = useTestScanner();
  const builtIn = stored !== undefined && isBuiltIn(stored);

  function change(part: Partial<Draft>) {
    save.reset();
    test.reset();
    setDraft((before) => ({ ...before, ...part }));
  }

  return (
    <Form
      action={stored ? t`Save scanner` : t`Add scanner`}
      busy={save.isPending}
      disabled={!builtIn && (draft.name.trim() === "" || !isAddress(draft.url))}
      error={save.error}
      failed={t`The scanner was not saved.`}
      onSubmit={() =>
        save.mutate(draft, {
          onSuccess: () => {
            say(t`The scanner ${draft.name} is saved.`);
            onDone();
          },
        })
      }
      more={
        !builtIn && (
          <Button
            variant="default"
            disabled={!isAddress(draft.url)}
            loading={test.isPending}
            onClick={() => test.mutate(draft)}
          >
            <Trans>Test connection</Trans>
          </Button>
        )
      }
    >
      {!builtIn && (
        <>
          <TextInput
            label={t`Name`}
            data-autofocus
            value={draft.name}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
          <TextInput
            label={t`Address`}
            type="url"
            placeholder="https://scanner.example.com:8081"
            error={
              draft.url !== "" && !isAddress(draft.url)
                ? t`An address begins with https:// or http://, without a name and password in it.`
                : undefined
            }
            value={draft.url}
            onChange={(event) => change({ url: event.currentTarget.value })}
          />
          <AuthFields draft={draft} stored={stored} onChange={change} />
        </>
      )}
      <TextInput
        label={t`Description`}
        value={draft.description}
        onChange={(event) => change({ description: event.currentTarget.value })}
      />
      {!builtIn && draft.url.startsWith("https:") && (
        <Checkbox
          label={t`Don't check its certificate`}
          checked={draft.insecure}
          onChange={(event) => change({ insecure: event.currentTarget.checked })}
        />
      )}
      {!builtIn && (
        <Checkbox
          label={t`Give it Haven's internal address`}
          description={t`For a scanner that reaches this registry by another way than people do.`}
          checked={draft.internal}
          onChange={(event) => change({ internal: event.currentTarget.checked })}
        />
      )}
      <Checkbox
        label={t`Switch it off`}
        description={t`Nobody can choose it, and it scans nothing.`}
        checked={draft.disabled}
        onChange={(event) => change({ disabled: event.currentTarget.checked })}
      />
      {test.isError && <Failed what={t`The scanner doesn't answer rightly.`} error={test.error} />}
      {test.isSuccess && (
        <p role="status" className={parts.good}>
          <Trans>The scanner answers.</Trans>
        </p>
      )}
    </Form>
  );
}
