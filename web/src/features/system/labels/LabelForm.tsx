import { useLingui } from "@lingui/react/macro";
import { TextInput } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../../ui/Form";
import { useNotices } from "../../../ui/Notices";
import parts from "../parts/parts.module.css";
import { LabelChip } from "./LabelChip";
import classes from "./LabelForm.module.css";
import { type Label, useSaveLabel } from "./queries";

const colors = [
  "#56616A",
  "#0F766E",
  "#1C6B36",
  "#2563B0",
  "#5B3FA8",
  "#8F1D6B",
  "#B3261E",
  "#C2570C",
  "#B98A00",
];

/** A label that can be put on artifacts of all projects. */
export function LabelForm({ stored, onDone }: { stored: Label | undefined; onDone: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const [draft, setDraft] = useState({
    id: stored?.id,
    name: stored?.name ?? "",
    description: stored?.description ?? "",
    color: stored?.color || (colors[1] as string),
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
      disabled={name === "" || name.length > 128}
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
      <fieldset className={classes.colors}>
        <legend>{t`Colour`}</legend>
        <div className={parts.swatches}>
          {colors.map((color) => (
            <button
              key={color}
              type="button"
              className={classes.swatch}
              style={{ backgroundColor: color }}
              aria-label={t`Colour ${color}`}
              aria-pressed={draft.color.toUpperCase() === color}
              onClick={() => change({ color })}
            />
          ))}
        </div>
      </fieldset>
      {name !== "" && (
        <p>
          <LabelChip label={draft} />
        </p>
      )}
    </Form>
  );
}
