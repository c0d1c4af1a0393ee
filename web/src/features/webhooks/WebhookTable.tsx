import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { When } from "../../ui/When";
import { wordsOf } from "./events";
import { useLastTriggers, type Webhook } from "./queries";
import { WebhookState } from "./WebhookState";
import classes from "./webhooks.module.css";

/** The webhooks of a project, with how each fares. */
export function WebhookTable({ project, webhooks }: { project: string; webhooks: Webhook[] }) {
  const { t } = useLingui();
  const last = useLastTriggers(project);
  const columns: Column<Webhook>[] = [
    {
      key: "name",
      title: t`Name`,
      names: true,
      cell: (webhook) => (
        <Link
          to="/p/$project/settings/webhooks/$webhook"
          params={{ project, webhook: String(webhook.id) }}
        >
          {webhook.name}
        </Link>
      ),
    },
    { key: "state", title: t`State`, cell: (webhook) => <WebhookState webhook={webhook} /> },
    { key: "to", title: t`Sends to`, cell: (webhook) => <Addresses webhook={webhook} /> },
    { key: "events", title: t`Events`, cell: (webhook) => <Events webhook={webhook} /> },
    {
      key: "last",
      title: t`Last event`,
      number: true,
      cell: (webhook) => <When time={last.data?.get(webhook.name ?? "")} />,
    },
  ];
  return (
    <DataTable
      caption={t`Webhooks`}
      columns={columns}
      rows={webhooks}
      rowKey={(webhook) => String(webhook.id)}
    />
  );
}

function Addresses({ webhook }: { webhook: Webhook }) {
  return (
    <span className={classes.addresses}>
      {(webhook.targets ?? []).map((target) => (
        <span key={`${target.type} ${target.address}`} title={target.address}>
          {hostOf(target.address ?? "")}
        </span>
      ))}
    </span>
  );
}

function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : address;
}

function Events({ webhook }: { webhook: Webhook }) {
  const { t, i18n } = useLingui();
  const types = webhook.event_types ?? [];
  const names = types.map((type) => {
    const words = wordsOf(type);
    return words ? i18n._(words.title) : type;
  });
  const [first] = names;
  if (names.length === 1) return <>{first}</>;
  return <span title={names.join(", ")}>{t`${names.length} types`}</span>;
}
