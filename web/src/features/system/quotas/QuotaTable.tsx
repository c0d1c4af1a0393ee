import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Bytes } from "../../../ui/Bytes";
import { type Column, DataTable } from "../../../ui/DataTable";
import type { Quota } from "./queries";
import { Usage } from "./Usage";

interface Props {
  rows: Quota[];
  sort: string;
  onSort: (sort: string) => void;
  onEdit: (quota: Quota) => void;
}

export function QuotaTable({ rows, sort, onSort, onEdit }: Props) {
  const { t } = useLingui();
  const columns: Column<Quota>[] = [
    {
      key: "project",
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
      title: t`Holds`,
      number: true,
      sort: "used.storage",
      cell: ({ used }) => <Bytes value={used.storage ?? 0} />,
    },
    {
      key: "hard",
      title: t`Quota`,
      number: true,
      sort: "hard.storage",
      cell: ({ hard }) => ((hard.storage ?? -1) < 0 ? "–" : <Bytes value={hard.storage ?? 0} />),
    },
    { key: "of", title: t`Used`, cell: (quota) => <Usage quota={quota} /> },
    {
      key: "do",
      title: t`Actions`,
      cell: (quota) => (
        <Button
          size="xs"
          variant="default"
          aria-label={t`Change the quota of ${quota.ref?.name}`}
          onClick={() => onEdit(quota)}
        >
          <Trans>Change</Trans>
        </Button>
      ),
    },
  ];
  return (
    <DataTable
      caption={t`Quotas of projects`}
      columns={columns}
      rows={rows}
      rowKey={(quota) => String(quota.id)}
      sort={sort}
      onSort={onSort}
    />
  );
}
