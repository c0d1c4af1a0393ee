import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { Section } from "../../ui/Page";
import { Failed } from "../../ui/states";
import { When } from "../../ui/When";
import { clusterKinds, type SignaturePolicy, useExport, useSignaturePolicy } from "./queries";
import classes from "./trust.module.css";

interface Document {
  signers?: { name: string }[];
  signed_before_tag?: boolean;
}

/** Whom a project trusts to sign, and the same for those who verify in a cluster. Nothing where there is no policy. */
export function TrustPolicy({ project, signedIn }: { project: string; signedIn: boolean }) {
  const { t } = useLingui();
  const policy = useSignaturePolicy(project, signedIn);
  if (!policy.data || policy.data.scope === "none") return null;
  return (
    <Section title={t`Who may sign`}>
      <Facts policy={policy.data} />
      <Downloads project={project} />
    </Section>
  );
}

function Facts({ policy }: { policy: SignaturePolicy }) {
  const document = (policy.document ?? {}) as Document;
  const names = (document.signers ?? []).map((signer) => signer.name).join(", ");
  return (
    <div>
      <p>
        {policy.scope === "system" ? (
          <Trans>The trust policy of the whole registry holds here.</Trans>
        ) : (
          <Trans>
            Set by {policy.set_by} <When time={policy.set_at} />.
          </Trans>
        )}{" "}
        {names && <Trans>It trusts: {names}.</Trans>}
      </p>
      <p>
        {policy.enforced ? (
          <Trans>What doesn't fulfil it can't be pulled.</Trans>
        ) : (
          <Trans>It is only shown: pulls are refused once the project demands signatures.</Trans>
        )}{" "}
        {document.signed_before_tag && <Trans>Nothing gets a tag before it is signed.</Trans>}
      </p>
    </div>
  );
}

/** The policy in the words of Kyverno and of Sigstore's policy controller. */
function Downloads({ project }: { project: string }) {
  const { t } = useLingui();
  const fetched = useExport(project);
  return (
    <>
      <p className={classes.dim}>
        <Trans>The same for a cluster that verifies by itself, with Kyverno or Sigstore:</Trans>
      </p>
      <div className={classes.downloads}>
        {clusterKinds.map((kind) => (
          <Button
            key={kind}
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
            loading={fetched.isPending && fetched.variables === kind}
            onClick={() => fetched.mutate(kind)}
          >
            {kind}
          </Button>
        ))}
      </div>
      {fetched.isError && (
        <Failed
          what={t`The policy can't be written as ${fetched.variables ?? ""}.`}
          error={fetched.error}
        />
      )}
    </>
  );
}
