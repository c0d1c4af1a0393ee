import { Trans, useLingui } from "@lingui/react/macro";
import { FileInput, Progress } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../../ui/Form";
import { Section } from "../../../ui/Page";
import classes from "../parts/parts.module.css";
import { useImport } from "./queries";

/** Brings an edition by hand, and shows how much of it has gone. */
export function ImportArchive() {
  const { t } = useLingui();
  const [file, setFile] = useState<File | null>(null);
  const [part, setPart] = useState(0);
  const send = useImport(setPart);
  const percent = Math.round(part * 100);
  const done = !send.isSuccess
    ? undefined
    : send.data.changed
      ? t`The edition is in force. Packages are judged anew.`
      : t`This edition was in force already.`;
  return (
    <Section title={t`Import an archive`}>
      <Form
        action={t`Import archive`}
        busy={send.isPending}
        disabled={!file}
        error={send.error}
        failed={t`The archive was not imported.`}
        done={done}
        onSubmit={() => file && send.mutate(file)}
      >
        <FileInput
          label={t`Archive`}
          description={t`A tar, packed by gzip or not, with trivy.db and metadata.json, or an OCI layout of Trivy's artifact.`}
          placeholder={t`Choose a file`}
          value={file}
          onChange={(chosen) => {
            send.reset();
            setPart(0);
            setFile(chosen);
          }}
        />
        {send.isPending && (
          <div>
            <Progress value={percent} aria-label={t`Upload`} />
            <p className={classes.small}>
              {percent < 100 ? (
                <Trans>{percent} % has gone</Trans>
              ) : (
                <Trans>All of it is there; the server looks through it.</Trans>
              )}
            </p>
          </div>
        )}
      </Form>
    </Section>
  );
}
