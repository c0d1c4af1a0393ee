import { Trans, useLingui } from "@lingui/react/macro";
import { Button, TextInput } from "@mantine/core";
import { CopyButton } from "../../ui/CopyButton";
import { Keep } from "./AuthField";
import { newSigning, type SecretDraft, signingFault } from "./draft";
import classes from "./webhooks.module.css";

interface Props {
  secret: SecretDraft;
  onChange: (secret: SecretDraft) => void;
}

/** The secret by which the receiver knows that a request is ours; shown until it is saved. */
export function SigningField({ secret, onChange }: Props) {
  const { t } = useLingui();
  const fault = signingFault(secret.value);
  const faults = {
    form: t`A secret is whsec_ and base64.`,
    length: t`A secret has 24 to 64 bytes.`,
  };
  if (secret.keep) {
    return (
      <div className={classes.group}>
        <span className={classes.label}>
          <Trans>Signing secret</Trans>
        </span>
        <div className={classes.row}>
          <span className={classes.dim}>
            <Trans>Requests are signed. The secret isn't shown again.</Trans>
          </span>
          <Button
            size="xs"
            variant="default"
            aria-label={t`Replace or remove the signing secret`}
            onClick={() => onChange({ ...secret, keep: false })}
          >
            <Trans>Replace or remove</Trans>
          </Button>
        </div>
      </div>
    );
  }
  return (
    <div className={classes.group}>
      <TextInput
        label={t`Signing secret`}
        description={t`With one, each request carries a signature by Standard Webhooks (HMAC-SHA256). Empty for none.`}
        autoComplete="off"
        spellCheck={false}
        placeholder="whsec_…"
        value={secret.value}
        error={fault && faults[fault]}
        onChange={(event) => onChange({ ...secret, value: event.currentTarget.value })}
      />
      {secret.value !== "" && !fault && (
        <div className={classes.secret}>
          <span>
            <Trans>Copy it now and give it to the receiver: once saved it isn't shown again.</Trans>
          </span>
          <CopyButton value={secret.value} label={t`signing secret`} />
        </div>
      )}
      <div className={classes.row}>
        <Button
          size="xs"
          variant="default"
          onClick={() => onChange({ ...secret, value: newSigning() })}
        >
          <Trans>Make a secret</Trans>
        </Button>
        {secret.stored && <Keep onKeep={() => onChange({ ...secret, keep: true, value: "" })} />}
      </div>
    </div>
  );
}
