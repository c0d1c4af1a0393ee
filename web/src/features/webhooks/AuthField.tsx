import { Trans, useLingui } from "@lingui/react/macro";
import { Button, PasswordInput } from "@mantine/core";
import type { SecretDraft } from "./draft";
import classes from "./webhooks.module.css";

interface Props {
  secret: SecretDraft;
  onChange: (secret: SecretDraft) => void;
}

/** What is sent as Authorization: written, never read again. */
export function AuthField({ secret, onChange }: Props) {
  const { t } = useLingui();
  if (secret.keep) {
    return (
      <div className={classes.group}>
        <span className={classes.label}>
          <Trans>Authorization header</Trans>
        </span>
        <div className={classes.row}>
          <span className={classes.dim}>
            <Trans>One is stored. It isn't shown.</Trans>
          </span>
          <Button
            size="xs"
            variant="default"
            aria-label={t`Replace or remove the authorization header`}
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
      <PasswordInput
        label={t`Authorization header`}
        description={
          secret.stored
            ? t`Sent with each request. Empty: the stored one is removed.`
            : t`Sent with each request, for example Bearer and a token. Empty for none.`
        }
        autoComplete="off"
        visibilityToggleButtonProps={{ "aria-label": t`Show the authorization header` }}
        value={secret.value}
        onChange={(event) => onChange({ ...secret, value: event.currentTarget.value })}
      />
      {secret.stored && <Keep onKeep={() => onChange({ ...secret, keep: true, value: "" })} />}
    </div>
  );
}

/** The way back to the secret that is stored. */
export function Keep({ onKeep }: { onKeep: () => void }) {
  return (
    <div>
      <Button size="xs" variant="default" onClick={onKeep}>
        <Trans>Keep the stored one</Trans>
      </Button>
    </div>
  );
}
