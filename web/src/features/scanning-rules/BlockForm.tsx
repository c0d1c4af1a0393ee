import { useLingui } from "@lingui/react/macro";
import { Checkbox, NativeSelect } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../ui/Form";
import type { Project } from "../projects/queries";
import { isOn, useChangeProject } from "../settings/current";
import { BlockEffect } from "./BlockEffect";
import { type Threshold, thresholds } from "./effect";
import { OutcomeFields } from "./OutcomeFields";
import { type Outcomes, useChangeOutcomes } from "./queries";

interface Props {
  project: Project;
  saved: Outcomes;
  changes: boolean;
}

function thresholdOf(project: Project): Threshold {
  const word = project.metadata?.severity as Threshold | undefined;
  return word && thresholds.includes(word) ? word : "low";
}

/** From which severity on images can't be pulled, with what that means for those that are here. */
export function BlockForm({ project, saved, changes }: Props) {
  const { t } = useLingui();
  const name = project.name ?? "";
  const change = useChangeProject(name);
  const changeOutcomes = useChangeOutcomes(name);
  const [block, setBlock] = useState(isOn(project, "prevent_vul"));
  const [severity, setSeverity] = useState(thresholdOf(project));
  const [outcomes, setOutcomes] = useState(saved);
  const words: Record<Threshold, string> = {
    critical: t`Critical`,
    high: t`High and worse`,
    medium: t`Medium and worse`,
    low: t`Low and worse`,
    none: t`Any finding`,
  };

  async function save() {
    try {
      await changeOutcomes.mutateAsync(outcomes);
      await change.mutateAsync({ metadata: { prevent_vul: String(block), severity } });
    } catch {
      // Shown below, by what failed.
    }
  }

  return (
    <Form
      onSubmit={save}
      action={t`Save blocking`}
      busy={change.isPending || changeOutcomes.isPending}
      disabled={!changes}
      error={changeOutcomes.error ?? change.error}
      failed={t`Blocking was not saved.`}
      done={change.isSuccess && changeOutcomes.isSuccess ? t`Saved.` : undefined}
    >
      <Checkbox
        label={t`Refuse pulls of images with vulnerabilities`}
        description={t`By tag and by digest. Signatures, bills of materials and charts can always be read.`}
        disabled={!changes}
        checked={block}
        onChange={(event) => setBlock(event.currentTarget.checked)}
      />
      {block && (
        <>
          <NativeSelect
            label={t`Refuse from this severity on`}
            disabled={!changes}
            data={thresholds.map((value) => ({ value, label: words[value] }))}
            value={severity}
            onChange={(event) => setSeverity(event.currentTarget.value as Threshold)}
          />
          <OutcomeFields outcomes={outcomes} disabled={!changes} onChange={setOutcomes} />
        </>
      )}
      <BlockEffect project={name} block={block} threshold={severity} outcomes={outcomes} />
    </Form>
  );
}
