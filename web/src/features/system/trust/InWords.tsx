import { Trans, useLingui } from "@lingui/react/macro";
import classes from "../parts/parts.module.css";
import type { Document, Rule } from "./document";

/** What a policy says, for people. */
export function InWords({ document }: { document: Document }) {
  const { t } = useLingui();
  const rule = useRule();
  const signers = document.signers ?? [];
  const names = signers.map((signer) => signer.name || t`somebody without a name`);
  return (
    <div className={classes.stack} role="status">
      <p>
        {names.length > 0 ? (
          <Trans>It trusts: {names.join(", ")}.</Trans>
        ) : (
          <Trans>It trusts nobody: nothing fulfils it.</Trans>
        )}{" "}
        {document.require ? (
          <Trans>An image needs {rule(document.require)}.</Trans>
        ) : (
          <Trans>An image needs a signature by any of them.</Trans>
        )}{" "}
        {document.signed_before_tag && <Trans>Nothing gets a tag before it is signed.</Trans>}
      </p>
    </div>
  );
}

/** Says a rule, each part in its words. */
function useRule(): (rule: Rule) => string {
  const { t } = useLingui();
  const say = (rule: Rule): string => {
    if (rule.signed_by === "*") return t`a signature by any of them`;
    if (rule.signed_by) return t`a signature by ${rule.signed_by}`;
    if (rule.attestation) {
      const { predicate_type: type = "", by = "" } = rule.attestation;
      return t`an attestation ${type} by ${by}`;
    }
    if (rule.any_of) return `(${rule.any_of.map(say).join(` ${t`or`} `)})`;
    if (rule.all_of) return rule.all_of.map(say).join(` ${t`and`} `);
    return "…";
  };
  return say;
}
