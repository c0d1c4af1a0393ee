import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Bytes } from "../../ui/Bytes";
import { type Column, DataTable } from "../../ui/DataTable";
import { Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import classes from "./ProjectsPage.module.css";
import { type Quota, useLargest } from "./queries";
import { Treemap } from "./Treemap";

const used = (quota: Quota) => quota.used.storage ?? 0;

/** Which projects take the room, for administrators: a picture, and the table behind it. */
export function StorageMap() {
  const { t } = useLingui();
  const largest = useLargest(true);
  const [open, setOpen] = useState(false);
  const quotas = (largest.data?.items ?? []).filter((quota) => used(quota) > 0);
  const sum = quotas.reduce((all, quota) => all + used(quota), 0);
  const tiles = quotas.map((quota) => ({ name: quota.ref?.name ?? "", bytes: used(quota) }));
  if (largest.isSuccess && quotas.length === 0) return null;
  return (
    <Section title={t`Storage by project`}>
      {largest.isPending && <Loading />}
      {largest.isError && (
        <Failed
          what={t`What projects use can't be shown.`}
          error={largest.error}
          retry={() => largest.refetch()}
        />
      )}
      {largest.data && (
        <>
          <p className={classes.dim}>
            <Trans>
              Together <Bytes value={sum} />. What several projects share is counted for each of
              them.
            </Trans>
          </p>
          <Treemap label={t`Storage by project`} tiles={tiles} />
          <details
            className={classes.details}
            onToggle={(event) => setOpen(event.currentTarget.open)}
          >
            <summary>
              <Trans>The same as a table</Trans>
            </summary>
            {open && <StorageTable quotas={quotas} />}
          </details>
        </>
      )}
    </Section>
  );
}

function StorageTable({ quotas }: { quotas: Quota[] }) {
  const { t } = useLingui();
  const columns: Column<Quota>[] = [
    {
      key: "name",
      title: t`Project`,
      names: true,
      cell: ({ ref }) => (
        <Link to="/p/$project" params={{ project: ref?.name ?? "" }}>
          {ref?.name}
        </Link>
      ),
    },
    { key: "owner", title: t`Owner`, cell: ({ ref }) => ref?.owner_name },
    {
      key: "used",
      title: t`Used`,
      number: true,
      cell: (quota) => <Bytes value={used(quota)} />,
    },
    {
      key: "limit",
      title: t`Limit`,
      number: true,
      cell: ({ hard }) =>
        (hard.storage ?? -1) < 0 ? <Trans>none</Trans> : <Bytes value={hard.storage ?? 0} />,
    },
  ];
  return (
    <DataTable
      caption={t`Storage by project`}
      columns={columns}
      rows={quotas}
      rowKey={(quota) => String(quota.id)}
    />
  );
}
