import { useLingui } from "@lingui/react/macro";
import { NativeSelect, TextInput } from "@mantine/core";
import { useState } from "react";
import { Fields, Form } from "../../../ui/Form";
import { type NewMirror, useAddMirror } from "./queries";

const blank: NewMirror = { kind: "registry", name: "", project: "" };

/** Has another name stand for a project. */
export function MirrorForm() {
  const { t } = useLingui();
  const [draft, setDraft] = useState(blank);
  const add = useAddMirror();
  function change(part: Partial<NewMirror>) {
    add.reset();
    setDraft((before) => ({ ...before, ...part }));
  }
  return (
    <Form
      action={t`Add mirror`}
      busy={add.isPending}
      disabled={draft.name.trim() === "" || draft.project.trim() === ""}
      error={add.error}
      failed={t`The mirror was not added.`}
      done={add.isSuccess ? t`The mirror is added.` : undefined}
      onSubmit={() =>
        add.mutate(
          { ...draft, name: draft.name.trim(), project: draft.project.trim() },
          { onSuccess: () => setDraft(blank) },
        )
      }
    >
      <Fields>
        <NativeSelect
          label={t`Known by`}
          value={draft.kind}
          data={[
            { value: "registry", label: t`Registry (?ns=)` },
            { value: "host", label: t`Host name` },
          ]}
          onChange={(event) => change({ kind: event.currentTarget.value as NewMirror["kind"] })}
        />
        <TextInput
          label={t`Name`}
          placeholder={draft.kind === "registry" ? "docker.io" : "mirror.example.com"}
          spellCheck={false}
          value={draft.name}
          onChange={(event) => change({ name: event.currentTarget.value })}
        />
        <TextInput
          label={t`Project`}
          spellCheck={false}
          value={draft.project}
          onChange={(event) => change({ project: event.currentTarget.value })}
        />
      </Fields>
    </Form>
  );
}
