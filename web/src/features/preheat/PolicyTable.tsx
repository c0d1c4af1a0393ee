import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { draftOf } from "./draft";
import type { Policy } from "./queries";
import { WhichImages } from "./WhichImages";
import { triggerWords } from "./words";

export function PolicyTable({ project, policies }: { project: string; policies: Policy[] }) {
  const { t, i18n } = useLingui();
  const columns: Column<Policy>[] = [
    {
      key: "name",
      title: t`Name`,
      names: true,
      cell: (policy) => (
        <Link
          to="/p/$project/settings/preheat/policy/$policy"
          params={{ project, policy: policy.name ?? "" }}
        >
          {policy.name}
        </Link>
      ),
    },
    {
      key: "state",
      title: t`State`,
      cell: (policy) => (policy.enabled ? t`Enabled` : t`Disabled`),
    },
    { key: "instance", title: t`Instance`, cell: (policy) => policy.provider_name || "–" },
    { key: "images", title: t`Images`, cell: (policy) => <WhichImages draft={draftOf(policy)} /> },
    {
      key: "when",
      title: t`When`,
      cell: (policy) => {
        const draft = draftOf(policy);
        const words = i18n._(triggerWords[draft.trigger]);
        return draft.trigger === "scheduled" ? `${words}: ${draft.cron}` : words;
      },
    },
  ];
  return (
    <DataTable
      caption={t`Preheat policies`}
      columns={columns}
      rows={policies}
      rowKey={(policy) => String(policy.id)}
    />
  );
}
