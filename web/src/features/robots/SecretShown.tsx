import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { Command } from "../../ui/Command";
import { CopyButton } from "../../ui/CopyButton";
import { Section } from "../../ui/Page";
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

/** A robot's new secret, with all that takes it: docker, a cluster, a file. */
export function SecretShown({ shown, onClose }: { shown: Shown; onClose: () => void }) {
  const { t } = useLingui();
  const box = useRef<HTMLDivElement>(null);
  const login = { host: thisHost().name, ...shown };
  // biome-ignore lint/correctness/useExhaustiveDependencies: for each secret anew
  useEffect(() => box.current?.scrollIntoView({ block: "nearest" }), [shown]);
  return (
    <div ref={box}>
      <Section
        title={t`Secret of ${shown.name}`}
        actions={
          <Button variant="default" size="xs" onClick={onClose}>
            <Trans>I have copied it</Trans>
          </Button>
        }
      >
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
        <div>
          <Button
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
            onClick={() =>
              saveText(secretFile(login), `${secretName(shown.name)}.yaml`, "application/yaml")
            }
          >
            <Trans>Download pull secret</Trans>
          </Button>
        </div>
      </Section>
    </div>
  );
}
