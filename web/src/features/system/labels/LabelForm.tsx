import { useLingui } from "@lingui/react/macro";
import { TextInput } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../../ui/Form";
import { useNotices } from "../../../ui/Notices";
import { ColorChoice } from "../../labels/ColorChoice";
import { colors, isColor } from "../../labels/color";
import { LabelChip } from "../../labels/LabelChip";
import { type Label, useSaveLabel } from "./queries";

/** A label that can be put on artifacts of all projects. */
export function LabelForm({ stored, onDone }: { stored: Label | undefined; onDone: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const [draft, setDraft] = useState({
    id: stored?.id,
    name: stored?.name ?? "",
    description: stored?.description ?? "",
    color: stored?.color || (colors[0] as string),
  });
  const save = useSaveLabel();
  const name = draft.name.trim();
  function change(part: Partial<typeof draft>) {
    save.reset();
    setDraft((before) => ({ ...before, ...part }));
  }
  return (
    <Form
      action={stored ? t`Save label` : t`Create label`}
      busy={save.isPending}
      disabled={name === "" || name.length > 128 || !isColor(draft.color)}
      error={save.error}
      failed={t`The label was not saved.`}
      onSubmit={() =>
        save.mutate(draft, {
          onSuccess: () => {
            say(t`The label ${name} is saved.`);
            onDone();
          },
        })
      }
    >
      <TextInput
        label={t`Name`}
        data-autofocus
        error={name.length > 128 ? t`At most 128 characters.` : undefined}
        value={draft.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      <TextInput
        label={t`Description`}
        value={draft.description}
        onChange={(event) => change({ description: event.currentTarget.value })}
      />
      <ColorChoice value={draft.color} onChange={(color) => change({ color })} />
      {name !== "" && (
        <p>
          <LabelChip name={name} color={draft.color} />
        </p>
      )}
    </Form>
  );
}
