import { Trans, useLingui } from "@lingui/react/macro";
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconClock } from "@tabler/icons-react";
import { asProblem } from "../../api/problem";
import { type Column, DataTable } from "../../ui/DataTable";
import { Section } from "../../ui/Page";
import { Failed } from "../../ui/states";
import { When } from "../../ui/When";
import { type Signature, type Signatures as Standing, useSignatures } from "./queries";
import classes from "./trust.module.css";

interface Props {
  project: string;
  repository: string;
  digest: string;
}

/** Who signed an artifact, whether that is enough, and if not why. Nothing where nobody signed and nobody asks for it. */
export function Signatures({ project, repository, digest }: Props) {
  const { t } = useLingui();
  const signatures = useSignatures(project, repository, digest);
  if (signatures.isError && asProblem(signatures.error).isForbidden) return null;
  if (signatures.isError) {
    return (
      <Section title={t`Who signed it`}>
        <Failed
          what={t`The signatures can't be shown.`}
          error={signatures.error}
          retry={() => signatures.refetch()}
        />
      </Section>
    );
  }
  const standing = signatures.data;
  if (!standing || standing.statement) return null;
  if (!standing.policy && standing.signatures.length === 0) return null;
  return (
    <Section title={t`Who signed it`}>
      <Verdict standing={standing} />
      {standing.signatures.length > 0 && <Table signatures={standing.signatures} />}
      {standing.more && (
        <p>
          <Trans>There are more. The ones that came last are shown.</Trans>
        </p>
      )}
    </Section>
  );
}

function Verdict({ standing }: { standing: Standing }) {
  if (!standing.policy) {
    return (
      <p className={classes.dim}>
        <Trans>The project has no trust policy, so nobody has verified who signed.</Trans>
      </p>
    );
  }
  if (standing.trusted) {
    return (
      <p className={classes.good}>
        <IconCircleCheck size={20} aria-hidden />
        <Trans>Signed as the project's trust policy demands.</Trans>
      </p>
    );
  }
  return (
    <p className={classes.bad}>
      <IconCircleX size={20} aria-hidden />
      <span>
        <Trans>Not signed as the project's trust policy demands: {standing.missing}</Trans>
      </span>
    </p>
  );
}

function Table({ signatures }: { signatures: Signature[] }) {
  const { t } = useLingui();
  // One manifest may hold several signatures by one key.
  const rows = signatures.map((signature, place) => ({ ...signature, place }));
  const columns: Column<Signature & { place: number }>[] = [
    {
      key: "state",
      title: t`State`,
      names: true,
      cell: (signature) => <State signature={signature} />,
    },
    {
      key: "kind",
      title: t`What`,
      cell: (signature) => (signature.predicate_type ? signature.predicate_type : t`Signature`),
    },
    {
      key: "by",
      title: t`By`,
      cell: (signature) => <By signature={signature} />,
    },
    { key: "reason", title: t`Why`, cell: (signature) => signature.reason || "–" },
    {
      key: "signed",
      title: t`Signed`,
      number: true,
      cell: (signature) => (signature.signed_at ? <When time={signature.signed_at} /> : "–"),
    },
  ];
  return (
    <DataTable
      caption={t`Signatures and attestations`}
      columns={columns}
      rows={rows}
      rowKey={(signature) => String(signature.place)}
    />
  );
}

/** Who made a signature: the policy's names, and what the signature says of its key or certificate. */
function By({ signature }: { signature: Signature }) {
  const whole = [...signature.signers, signature.by].join(" · ");
  return (
    <span className={classes.by} title={whole}>
      {whole.replace(/(SHA256:[0-9a-f]{8})[0-9a-f]{48}/, "$1…")}
    </span>
  );
}

/** What one signature is worth, as a word and a sign. */
function State({ signature }: { signature: Signature }) {
  const { t } = useLingui();
  const { tone, Sign, word } = {
    verified: { tone: classes.good, Sign: IconCircleCheck, word: t`Verified` },
    unverified: { tone: classes.dim, Sign: IconCircleX, word: t`Unverified` },
    invalid: { tone: classes.bad, Sign: IconAlertTriangle, word: t`Invalid` },
    waiting: { tone: classes.dim, Sign: IconClock, word: t`Not looked at yet` },
  }[signature.state];
  return (
    <span className={`${tone} ${classes.state}`}>
      <Sign size={16} aria-hidden />
      {word}
    </span>
  );
}
