import { Trans, useLingui } from "@lingui/react/macro";
import { Command } from "../../ui/Command";
import { CopyButton } from "../../ui/CopyButton";
import { type Column, DataTable } from "../../ui/DataTable";
import { Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import classes from "./policy.module.css";
import { type SigningKey, useSigningKeys } from "./signing";

/** What those need who verify Haven's signatures. */
export function SigningKeys() {
  const { t } = useLingui();
  const keys = useSigningKeys();
  if (keys.isPending) return <Loading rows={2} />;
  if (keys.isError) {
    return (
      <Failed
        what={t`Haven's keys can't be shown.`}
        error={keys.error}
        retry={() => keys.refetch()}
      />
    );
  }
  if (keys.data.length === 0) {
    return (
      <p className={classes.dim}>
        <Trans>Haven has no key yet. It makes one when it first signs something.</Trans>
      </p>
    );
  }
  const columns: Column<SigningKey>[] = [
    {
      key: "format",
      title: t`Key for`,
      names: true,
      cell: (key) => (key.format === "cosign" ? t`Cosign` : t`Notation`),
    },
    {
      key: "state",
      title: t`State`,
      cell: (key) => (key.current ? t`signs now` : t`signed before`),
    },
    {
      key: "made",
      title: t`Made`,
      cell: (key) => <When time={key.creation_time} />,
    },
    {
      key: "fingerprint",
      title: t`Fingerprint`,
      cell: (key) => (
        <code className={classes.mono} title={key.fingerprint}>
          {key.fingerprint.slice(0, 19)}…
        </code>
      ),
    },
    {
      key: "copy",
      title: t`Copy`,
      cell: (key) => (
        <CopyButton
          value={key.certificate || key.public_key}
          label={key.certificate ? t`certificate for Notation` : t`public key for Cosign`}
        />
      ),
    },
  ];
  return (
    <div className={classes.box}>
      <DataTable
        caption={t`Keys that Haven signs with`}
        columns={columns}
        rows={keys.data}
        rowKey={(key) => key.fingerprint}
      />
      <p className={classes.dim}>
        <Trans>Save the public key as haven.pub, then:</Trans>
      </p>
      <Command
        text={`cosign verify --key haven.pub --insecure-ignore-tlog=true ${window.location.host}/PROJECT/IMAGE@sha256:…`}
      />
    </div>
  );
}
