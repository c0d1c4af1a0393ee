import { Trans, useLingui } from "@lingui/react/macro";
import { TextInput } from "@mantine/core";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import { Form } from "../../ui/Form";
import { ColorChoice } from "./ColorChoice";
import { isColor } from "./color";
import { LabelChip } from "./LabelChip";
import { type Draft, type Scope, useSaveLabel } from "./queries";

interface Props {
  scope: Scope;
  /** The label that is changed; none: a new one is made. */
  id?: number | undefined;
  draft: Draft;
  onDone: (name: string) => void;
}

/** Name, description and colour of a label. */
export function LabelForm({ scope, id, draft: before, onDone }: Props) {
  const { t } = useLingui();
  const save = useSaveLabel(scope, id);
  const [draft, setDraft] = useState(before);
  const taken = save.isError && asProblem(save.error).status === 409;
  const name = draft.name.trim();
  return (
    <Form
      onSubmit={() => save.mutate({ ...draft, name }, { onSuccess: () => onDone(name) })}
      action={id === undefined ? t`Create label` : t`Save label`}
      busy={save.isPending}
      disabled={name === "" || !isColor(draft.color)}
      error={taken ? undefined : save.error}
      failed={t`The label was not saved.`}
    >
      <TextInput
        label={t`Name`}
        data-autofocus
        maxLength={128}
        value={draft.name}
        error={taken ? t`There is a label of this name already. Choose another.` : undefined}
        onChange={(event) => {
          setDraft({ ...draft, name: event.currentTarget.value });
          save.reset();
        }}
      />
      <TextInput
        label={t`Description`}
        maxLength={1024}
        value={draft.description}
        onChange={(event) => setDraft({ ...draft, description: event.currentTarget.value })}
      />
      <ColorChoice value={draft.color} onChange={(color) => setDraft({ ...draft, color })} />
      <p>
        <Trans>It will look like this:</Trans> <LabelChip name={name || "…"} color={draft.color} />
      </p>
    </Form>
  );
}
