import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { Bytes } from "../../../ui/Bytes";
import { type Column, DataTable } from "../../../ui/DataTable";
import { Shown } from "../parts/Shown";
import { type Quota, useQuotas } from "../quotas/queries";
import { Usage } from "../quotas/Usage";

const most = 5;

/** The projects that take most of the room. */
export function Largest() {
  const { t } = useLingui();
  const quotas = useQuotas({ page: 1, sort: "-used.storage", size: most });
  const columns: Column<Quota>[] = [
    {
      key: "project",
      title: t`What takes most`,
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
      cell: ({ used }) => <Bytes value={used.storage ?? 0} />,
    },
    { key: "of", title: t`Of its quota`, cell: (quota) => <Usage quota={quota} /> },
  ];
  return (
    <Shown query={quotas} what={t`What takes the room can't be shown.`}>
      {({ items }) => (
        <DataTable
          caption={t`Projects that take most of the room`}
          columns={columns}
          rows={items}
          rowKey={(quota) => String(quota.id)}
        />
      )}
    </Shown>
  );
}
