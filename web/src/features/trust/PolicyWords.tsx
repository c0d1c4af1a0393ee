import { Plural, Trans, useLingui } from "@lingui/react/macro";
import type { Document, Identity, Requirement, Signer } from "./document";
import classes from "./policy.module.css";
import type { SignaturePolicy } from "./queries";

/** A policy as sentences: who counts as a signer, and what an image must have. */
export function PolicyWords({ policy }: { policy: SignaturePolicy }) {
  if (policy.scope === "none") {
    return (
      <p>
        <Trans>
          Neither the project nor the registry says whom it trusts. Signatures are shown, and nobody
          verifies who made them.
        </Trans>
      </p>
    );
  }
  const document = (policy.document ?? {}) as Document;
  return (
    <div className={classes.box}>
      <Signers signers={document.signers ?? []} />
      <div>
        <p className={classes.label}>
          <Trans>An image must have:</Trans>
        </p>
        {document.require ? (
          <ul className={classes.rules}>
            <Rule rule={document.require} />
          </ul>
        ) : (
          <p>
            <Trans>a signature by any of the signers</Trans>
          </p>
        )}
      </div>
      {document.signed_before_tag && (
        <p>
          <Trans>
            Nothing gets a tag before it fulfils this: it is pushed by its digest, signed, and
            tagged then.
          </Trans>
        </p>
      )}
    </div>
  );
}

function Signers({ signers }: { signers: Signer[] }) {
  return (
    <div>
      <p className={classes.label}>
        <Trans>Signers:</Trans>
      </p>
      <ul className={classes.rules}>
        {signers.map((signer) => (
          <li key={signer.name}>
            <strong>{signer.name}</strong>: <Credentials signer={signer} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Credentials({ signer }: { signer: Signer }) {
  const keys = signer.keys?.length ?? 0;
  return (
    <>
      {keys > 0 && <Plural value={keys} one="by a public key" other="by # public keys" />}
      {(signer.identities ?? []).map((identity) => (
        <span key={JSON.stringify(identity)} className={classes.part}>
          <Identified identity={identity} />
        </span>
      ))}
      {signer.notation && (
        <span className={classes.part}>
          <Trans>by Notation, as {(signer.notation.identities ?? []).join("; ") || "–"}</Trans>
        </span>
      )}
    </>
  );
}

function Identified({ identity }: { identity: Identity }) {
  const subject = identity.subject ?? identity.subject_regexp ?? "";
  const issuer = identity.issuer ?? identity.issuer_regexp ?? "";
  if (!issuer) {
    return (
      <Trans>
        as {subject}, by certificates of {identity.root}
      </Trans>
    );
  }
  return (
    <Trans>
      as {subject}, known to {issuer}, by certificates of {identity.root}
    </Trans>
  );
}

function Rule({ rule }: { rule: Requirement }) {
  const { t } = useLingui();
  const parts = rule.all_of ?? rule.any_of;
  if (parts) {
    return (
      <li>
        {rule.all_of ? t`all of these:` : t`one of these:`}
        <ul className={classes.rules}>
          {parts.map((part) => (
            <Rule key={JSON.stringify(part)} rule={part} />
          ))}
        </ul>
      </li>
    );
  }
  if (rule.attestation) {
    const { predicate_type, by, builder, rule: test } = rule.attestation;
    return (
      <li>
        {by === "*" ? (
          <Trans>an attestation of {predicate_type} by any of the signers</Trans>
        ) : (
          <Trans>
            an attestation of {predicate_type} by {by}
          </Trans>
        )}
        {builder && <Trans>, built by {builder}</Trans>}
        {test && (
          <>
            <Trans>, for which holds:</Trans> <code>{test}</code>
          </>
        )}
      </li>
    );
  }
  const { signed_by = "" } = rule;
  return (
    <li>
      {signed_by === "*" ? (
        <Trans>a signature by any of the signers</Trans>
      ) : (
        <Trans>a signature by {signed_by}</Trans>
      )}
    </li>
  );
}
