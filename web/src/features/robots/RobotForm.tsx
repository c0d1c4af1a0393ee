import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect, Radio, TextInput } from "@mantine/core";
import { useState } from "react";
import { Fields, Form } from "../../ui/Form";
import { Failed, Loading } from "../../ui/states";
import { PermissionMatrix } from "./PermissionMatrix";
import { type Draft, useGrantable } from "./queries";
import { type Preset, presetOf, presets } from "./rights";

interface Props {
  project: string;
  draft: Draft;
  /** It is there already: its name stays. */
  existing?: boolean;
  action: string;
  busy: boolean;
  error: unknown;
  failed: string;
  onSave: (draft: Draft) => void;
  onClose: () => void;
}

/** Name, description, end and rights of a robot. */
export function RobotForm(props: Props) {
  const { project, existing = false, action, busy, error, failed, onSave, onClose } = props;
  const { t } = useLingui();
  const [draft, setDraft] = useState(props.draft);
  const named = existing || /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/.test(draft.name);
  return (
    <Form
      onSubmit={() => onSave({ ...draft, name: draft.name.trim() })}
      action={action}
      busy={busy}
      disabled={!named || draft.rights.length === 0}
      error={error}
      failed={failed}
      more={
        <Button variant="default" onClick={onClose}>
          <Trans>Cancel</Trans>
        </Button>
      }
    >
      <Fields>
        {!existing && (
          <TextInput
            label={t`Name`}
            description={t`Its user name will end in ${project}+name`}
            autoCapitalize="none"
            spellCheck={false}
            value={draft.name}
            error={
              !named && draft.name !== ""
                ? t`Lower-case letters and digits, parted by single dots, dashes or underscores.`
                : undefined
            }
            onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
          />
        )}
        <Duration
          value={draft.duration}
          onChange={(duration) => setDraft({ ...draft, duration })}
        />
      </Fields>
      <TextInput
        label={t`Description`}
        description={t`What it is for, and who looks after it`}
        maxLength={255}
        value={draft.description}
        onChange={(event) => setDraft({ ...draft, description: event.currentTarget.value })}
      />
      <Rights draft={draft} onChange={(rights) => setDraft({ ...draft, rights })} />
    </Form>
  );
}

const usual = [30, 90, 365, -1];

function Duration({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  const { t } = useLingui();
  const days = [...new Set([...usual.slice(0, -1), value, -1])];
  const label = (each: number) => {
    if (each < 0) return t`never`;
    return each === 365 ? t`after a year` : t`after ${each} days`;
  };
  return (
    <NativeSelect
      label={t`It ends`}
      description={t`Counted from its creation`}
      data={days.map((each) => ({ value: String(each), label: label(each) }))}
      value={String(value)}
      onChange={(event) => onChange(Number(event.currentTarget.value))}
    />
  );
}

interface RightsProps {
  draft: Draft;
  onChange: (rights: Draft["rights"]) => void;
}

/** The usual rights by one choice, others one by one. */
function Rights({ draft, onChange }: RightsProps) {
  const { t } = useLingui();
  const [preset, setPreset] = useState<Preset>(presetOf(draft.rights));
  const grantable = useGrantable();
  return (
    <>
      <Radio.Group
        label={t`It may`}
        value={preset}
        onChange={(next) => {
          setPreset(next as Preset);
          if (next === "pull" || next === "push") onChange(presets[next]);
        }}
      >
        <Fields>
          <Radio value="pull" label={t`pull`} />
          <Radio value="push" label={t`pull and push`} />
          <Radio value="own" label={t`what I tick`} />
        </Fields>
      </Radio.Group>
      {preset === "own" && grantable.isPending && <Loading rows={3} />}
      {preset === "own" && grantable.isError && (
        <Failed
          what={t`What a robot may be given can't be shown.`}
          error={grantable.error}
          retry={() => grantable.refetch()}
        />
      )}
      {preset === "own" && grantable.data && (
        <PermissionMatrix grantable={grantable.data} rights={draft.rights} onChange={onChange} />
      )}
      {draft.rights.length === 0 && (
        <p role="status">
          <Trans>Tick at least one thing that it may do.</Trans>
        </p>
      )}
    </>
  );
}
