import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../ui/Form";
import type { Project } from "../projects/queries";
import { isOn, useChangeProject } from "../settings/current";
import { EnforceEffect } from "./EnforceEffect";
import type { SignaturePolicy } from "./queries";

interface Props {
  project: Project;
  policy: SignaturePolicy;
  changes: boolean;
}

/** Whether images that aren't signed can be pulled. */
export function EnforceForm({ project, policy, changes }: Props) {
  const { t } = useLingui();
  const change = useChangeProject(project.name ?? "");
  const [cosign, setCosign] = useState(isOn(project, "enable_content_trust_cosign"));
  const [notation, setNotation] = useState(isOn(project, "enable_content_trust"));
  const cache = (project.registry_id ?? 0) > 0;
  return (
    <Form
      onSubmit={() =>
        change.mutate({
          metadata: {
            enable_content_trust_cosign: String(cosign),
            ...(!cache && { enable_content_trust: String(notation) }),
          },
        })
      }
      action={t`Save what is refused`}
      busy={change.isPending}
      disabled={!changes}
      error={change.error}
      failed={t`What is refused was not saved.`}
      done={change.isSuccess ? t`Saved.` : undefined}
    >
      <p>
        {policy.scope === "none" ? (
          <Trans>
            Without a trust policy a signature of the format must be there, whoever made it.
          </Trans>
        ) : (
          <Trans>With a trust policy either of these means that it must be fulfilled.</Trans>
        )}
      </p>
      <Checkbox
        label={t`Refuse pulls of what isn't signed with Cosign`}
        disabled={!changes}
        checked={cosign}
        onChange={(event) => setCosign(event.currentTarget.checked)}
      />
      {!cache && (
        <Checkbox
          label={t`Refuse pulls of what isn't signed with Notation`}
          disabled={!changes}
          checked={notation}
          onChange={(event) => setNotation(event.currentTarget.checked)}
        />
      )}
      <EnforceEffect
        project={project.name ?? ""}
        policy={policy.scope !== "none"}
        cosign={cosign}
        notation={notation}
      />
    </Form>
  );
}
