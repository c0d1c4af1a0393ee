import { Trans, useLingui } from "@lingui/react/macro";
import { Button, PasswordInput } from "@mantine/core";
import { Command } from "../../ui/Command";
import { CopyButton } from "../../ui/CopyButton";
import { Failed } from "../../ui/states";
import classes from "./CliSecret.module.css";
import { useNewSecret } from "./queries";

interface Props {
  user: { user_id: number; username: string };
  secret: string;
}

/** What docker takes for a password of somebody whom the provider brought. */
export function CliSecret({ user, secret }: Props) {
  const { t } = useLingui();
  const renew = useNewSecret();
  return (
    <div className={classes.box}>
      <p>
        <Trans>
          Docker and other programs can't sign in by the company's page. Give them this secret as
          the password. It works as long as the company's account does.
        </Trans>
      </p>
      <div className={classes.secret}>
        <PasswordInput
          label={t`CLI secret`}
          readOnly
          value={secret}
          autoComplete="off"
          visibilityToggleButtonProps={{ "aria-label": t`Show secret`, tabIndex: 0 }}
        />
        <CopyButton value={secret} label={t`CLI secret`} />
      </div>
      <Command text={`docker login ${window.location.host} -u ${user.username}`} />
      {renew.isError && <Failed what={t`The secret was not changed.`} error={renew.error} />}
      <Button
        variant="default"
        loading={renew.isPending}
        onClick={() => renew.mutate(user.user_id)}
      >
        <Trans>Make a new secret</Trans>
      </Button>
      <p role="status">
        {renew.isSuccess && (
          <Trans>The secret is new. What used the one before has to log in again.</Trans>
        )}
      </p>
    </div>
  );
}
