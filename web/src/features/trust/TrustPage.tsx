import { Trans, useLingui } from "@lingui/react/macro";
import { useState } from "react";
import { Section } from "../../ui/Page";
import { Loading } from "../../ui/states";
import { useCurrent } from "../settings/current";
import { ReadOnly, Refused } from "../settings/Refused";
import { DeletePolicy } from "./DeletePolicy";
import { EnforceForm } from "./EnforceForm";
import { PolicyEditor } from "./PolicyEditor";
import { PolicyWords } from "./PolicyWords";
import { useSignaturePolicy } from "./queries";
import { SigningForm } from "./SigningForm";
import { SigningKeys } from "./SigningKeys";
import { TrustPolicy } from "./TrustPolicy";
import { TryArtifact } from "./TryArtifact";

/** Who may sign for a project, whether unsigned images are refused, and whether Haven signs itself. */
export function TrustPage() {
  const { t } = useLingui();
  const { name, project, may } = useCurrent();
  const policy = useSignaturePolicy(name, true);
  const changes = may("metadata", "update");
  const [saved, setSaved] = useState(0);
  if (policy.isPending) return <Loading />;
  if (policy.isError) {
    return (
      <Refused
        what={t`The trust policy can't be shown.`}
        error={policy.error}
        retry={() => policy.refetch()}
      />
    );
  }
  const own = policy.data.scope === "project";
  return (
    <>
      {!changes && <ReadOnly />}
      <Section
        title={t`Trust policy`}
        actions={own && changes && <DeletePolicy project={name} policy={policy.data} />}
      >
        <PolicyWords policy={policy.data} />
      </Section>
      <TrustPolicy project={name} signedIn />
      <Section title={t`Refuse unsigned images`}>
        <EnforceForm project={project} policy={policy.data} changes={changes} />
      </Section>
      {policy.data.scope !== "none" && <TryArtifact project={name} />}
      {changes && (
        <Section title={own ? t`Change the policy` : t`Set a policy of the project's own`}>
          <p>
            <Trans>
              Set a policy first and look at what it says of your images. Refuse unsigned ones when
              it says what you expect.
            </Trans>
          </p>
          <PolicyEditor
            key={`${saved} ${policy.data.scope} ${policy.data.set_at ?? ""}`}
            project={name}
            start={own ? (policy.data.document ?? {}) : undefined}
            done={saved > 0 ? t`Saved. All signatures are looked at anew.` : undefined}
            onSaved={() => setSaved(saved + 1)}
          />
        </Section>
      )}
      <Section title={t`Signatures by Haven`}>
        <SigningForm project={name} changes={changes} />
        <SigningKeys />
      </Section>
    </>
  );
}
