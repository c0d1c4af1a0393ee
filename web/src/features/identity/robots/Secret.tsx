import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { Command } from "../../../ui/Command";
import { CopyButton } from "../../../ui/CopyButton";
import classes from "../identity.module.css";
import { pullCommand, pullSecret } from "./pullSecret";

interface Props {
  name: string;
  secret: string;
}

/** A robot's secret, shown this once: to copy, for docker, for a cluster. */
export function Secret({ name, secret }: Props) {
  const { t } = useLingui();
  const { host } = window.location;

  function download() {
    const file = new Blob([pullSecret(host, name, secret)], { type: "application/yaml" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = "haven-pull-secret.yaml";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  return (
    <div className={classes.stack} role="status">
      <p>
        <Trans>Copy the secret of {name} now: it is shown only this once.</Trans>
      </p>
      <div className={classes.secret}>
        <code>{secret}</code>
        <CopyButton value={secret} label={t`Secret`} />
      </div>
      <p>
        <Trans>With docker, podman and others; they ask for the secret:</Trans>
      </p>
      <Command text={`docker login ${host} -u '${name}'`} />
      <p>
        <Trans>For a Kubernetes cluster:</Trans>
      </p>
      <Command text={pullCommand(host, name, secret)} />
      <div>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={download}
        >
          <Trans>Download pull secret</Trans>
        </Button>
      </div>
    </div>
  );
}
