import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Command } from "../../ui/Command";
import { CopyButton } from "../../ui/CopyButton";
import { saveText } from "../../ui/save";
import { thisHost } from "../repositories/commands";
import { createCommand, loginCommand, secretFile, secretName } from "./pullsecret";
import classes from "./robots.module.css";

/** A secret that is shown this once. */
export interface Shown {
  /** The robot's name with its prefix. */
  name: string;
  secret: string;
}

interface Props {
  shown: Shown;
  /** What to do when it is copied. */
  children?: ReactNode;
}

/** A robot's new secret, with all that takes it: docker, a cluster, a file. */
export function SecretShown({ shown, children }: Props) {
  const { t } = useLingui();
  const login = { host: thisHost().name, ...shown };
  return (
    <div className={classes.shown}>
      <p role="status">
        <Trans>Copy the secret now: it is shown only this once.</Trans>
      </p>
      <div className={classes.secret}>
        <code>{shown.secret}</code>
        <CopyButton value={shown.secret} label={t`secret`} />
      </div>
      <div className={classes.commands}>
        <div>
          <p>
            <Trans>Log in with docker</Trans>
          </p>
          <Command text={loginCommand(login)} />
        </div>
        <div>
          <p>
            <Trans>Make a pull secret in a Kubernetes cluster</Trans>
          </p>
          <Command text={createCommand(login)} />
        </div>
      </div>
      <div className={classes.actions}>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() =>
            saveText(secretFile(login), `${secretName(shown.name)}.yaml`, "application/yaml")
          }
        >
          <Trans>Download pull secret</Trans>
        </Button>
        {children}
      </div>
    </div>
  );
}
