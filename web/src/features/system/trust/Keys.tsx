import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { CopyButton } from "../../../ui/CopyButton";
import { type Column, DataTable } from "../../../ui/DataTable";
import { Section } from "../../../ui/Page";
import { When } from "../../../ui/When";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { type Key, useKeys } from "./queries";
import { RotateKey } from "./RotateKey";

const formats = { cosign: "Cosign", notation: "Notation" } as const;

/** What Haven signs with in projects that have it sign what passed. */
export function Keys() {
  const { t } = useLingui();
  const keys = useKeys();
  const [rotated, setRotated] = useState<Key["format"]>();
  return (
    <Section
      title={t`Keys that Haven signs with`}
      actions={
        <div className={classes.row}>
          {(["cosign", "notation"] as const).map((format) => {
            const name = formats[format];
            return (
              <Button key={format} variant="default" onClick={() => setRotated(format)}>
                <Trans>New key for {name}</Trans>
              </Button>
            );
          })}
        </div>
      }
    >
      <p className={classes.prose}>
        <Trans>
          Give the public key for Cosign, or the certificate for Notation, to your clusters: by it
          they know what Haven signed.
        </Trans>
      </p>
      <Shown query={keys} what={t`The keys can't be listed.`}>
        {(data) => <KeyTable rows={data} />}
      </Shown>
      <RotateKey format={rotated} onClose={() => setRotated(undefined)} />
    </Section>
  );
}

function KeyTable({ rows }: { rows: Key[] }) {
  const { t } = useLingui();
  const columns: Column<Key>[] = [
    { key: "format", title: t`For`, names: true, cell: (key) => formats[key.format] },
    {
      key: "fingerprint",
      title: t`Fingerprint`,
      cell: (key) => (
        <code className={classes.code} title={key.fingerprint}>
          {key.fingerprint.slice(0, 19)}…
        </code>
      ),
    },
    {
      key: "state",
      title: t`State`,
      cell: (key) => (
        <span>
          {key.current ? <Trans>signs</Trans> : <Trans>signed before</Trans>}
          {key.elsewhere && (
            <span className={classes.small}>
              {" "}
              <Trans>by the signing program</Trans>
            </span>
          )}
        </span>
      ),
    },
    { key: "made", title: t`Made`, cell: (key) => <When time={key.creation_time} /> },
    {
      key: "copy",
      title: t`Copy`,
      cell: (key) =>
        key.certificate ? (
          <CopyButton value={key.certificate} label={t`certificate of the authority`} />
        ) : (
          <CopyButton value={key.public_key} label={t`public key`} />
        ),
    },
  ];
  return (
    <DataTable
      caption={t`Keys that Haven signs with`}
      columns={columns}
      rows={rows}
      rowKey={(key) => key.fingerprint}
    />
  );
}
