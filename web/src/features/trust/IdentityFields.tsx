import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Checkbox, TextInput } from "@mantine/core";
import type { Identity } from "./document";
import classes from "./policy.module.css";

interface Props {
  identity: Identity;
  roots: string[];
  onChange: (identity: Identity) => void;
  onRemove: () => void;
}

/** An identity as a text, or as a regular expression that must match the whole. */
export function IdentityFields({ identity, roots, onChange, onRemove }: Props) {
  const { t } = useLingui();
  const { root } = identity;
  const issuerRegexp = identity.issuer_regexp !== undefined;
  const subjectRegexp = identity.subject_regexp !== undefined;
  const issuer = identity.issuer_regexp ?? identity.issuer ?? "";
  const subject = identity.subject_regexp ?? identity.subject ?? "";
  const put = (next: {
    root?: string;
    issuer?: string;
    subject?: string;
    issuerRegexp?: boolean;
    subjectRegexp?: boolean;
  }) => {
    const all = { root, issuer, subject, issuerRegexp, subjectRegexp, ...next };
    onChange({
      root: all.root,
      [all.issuerRegexp ? "issuer_regexp" : "issuer"]: all.issuer,
      [all.subjectRegexp ? "subject_regexp" : "subject"]: all.subject,
    });
  };
  return (
    <div className={classes.inner}>
      <TextInput
        label={t`Issuer`}
        description={t`Who vouched for the signer, for example https://token.actions.githubusercontent.com.`}
        spellCheck={false}
        value={issuer}
        onChange={(event) => put({ issuer: event.currentTarget.value })}
      />
      <Checkbox
        label={t`The issuer is a regular expression`}
        checked={issuerRegexp}
        onChange={(event) => put({ issuerRegexp: event.currentTarget.checked })}
      />
      <TextInput
        label={t`Subject`}
        description={t`An e-mail address, or the address of a workflow.`}
        spellCheck={false}
        value={subject}
        error={subject === "" && t`Say whom the certificate is for.`}
        onChange={(event) => put({ subject: event.currentTarget.value })}
      />
      <Checkbox
        label={t`The subject is a regular expression`}
        checked={subjectRegexp}
        onChange={(event) => put({ subjectRegexp: event.currentTarget.checked })}
      />
      <TextInput
        label={t`Verified by the root`}
        description={
          roots.length > 0
            ? t`One of ${roots.join(", ")}, or one of the registry's policy.`
            : t`One of the roots below, or one of the registry's policy.`
        }
        spellCheck={false}
        value={root}
        onChange={(event) => put({ root: event.currentTarget.value })}
      />
      <div>
        <Button size="xs" variant="subtle" onClick={onRemove}>
          <Trans>Remove identity</Trans>
        </Button>
      </div>
    </div>
  );
}
