import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { useNotices } from "../../ui/Notices";
import { Status } from "../../ui/Status";
import { When } from "../../ui/When";
import { DeliveryDetail } from "./DeliveryDetail";
import { wordsOf } from "./events";
import { type Delivery, isOpen, useTurnDelivery } from "./queries";
import classes from "./webhooks.module.css";

const route = getRouteApi("/p/$project/settings/webhooks/$webhook");

interface Props {
  id: number;
  deliveries: Delivery[];
  changes: boolean;
}

/** Deliveries, newest first; one of them may be open. */
export function DeliveryTable({ id, deliveries, changes }: Props) {
  const { t, i18n } = useLingui();
  const { open } = route.useSearch();
  const navigate = route.useNavigate();
  const toggle = (delivery: Delivery) =>
    navigate({
      search: ({ open: _, ...search }) =>
        open === delivery.id ? search : { ...search, open: delivery.id },
      replace: true,
    });
  const columns: Column<Delivery>[] = [
    {
      key: "event",
      title: t`Event`,
      names: true,
      cell: (delivery) => {
        const words = wordsOf(delivery.event_type);
        return words ? i18n._(words.title) : delivery.event_type;
      },
    },
    {
      key: "subject",
      title: t`About`,
      cell: (delivery) => <span className={classes.addresses}>{delivery.subject}</span>,
    },
    { key: "status", title: t`Status`, cell: (delivery) => <Status of={delivery.status} /> },
    {
      key: "answer",
      title: t`Answer`,
      cell: (delivery) => delivery.answer || "–",
    },
    {
      key: "when",
      title: t`Happened`,
      number: true,
      cell: (delivery) => <When time={delivery.occurred_at} />,
    },
    {
      key: "act",
      title: t`Actions`,
      cell: (delivery) => (
        <span className={classes.row}>
          <Button
            size="xs"
            variant="default"
            aria-expanded={open === delivery.id}
            aria-label={t`Details of delivery ${delivery.id}`}
            onClick={() => toggle(delivery)}
          >
            <Trans>Details</Trans>
          </Button>
          {changes && <Turn id={id} delivery={delivery} />}
        </span>
      ),
    },
  ];
  return (
    <DataTable
      caption={t`Deliveries`}
      columns={columns}
      rows={deliveries}
      rowKey={(delivery) => String(delivery.id)}
      below={(delivery) => open === delivery.id && <DeliveryDetail id={id} delivery={delivery} />}
    />
  );
}

/** Sends a delivery again, or calls off one that waits. */
function Turn({ id, delivery }: { id: number; delivery: Delivery }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const turn = useTurnDelivery(id);
  const what = isOpen(delivery) ? "cancel" : "redeliver";
  return (
    <Button
      size="xs"
      variant="default"
      loading={turn.isPending}
      aria-label={
        what === "cancel"
          ? t`Call off delivery ${delivery.id}`
          : t`Send delivery ${delivery.id} again`
      }
      onClick={() =>
        turn.mutate(
          { delivery: delivery.id, what },
          { onError: (error) => say(t`The delivery stays as it is: ${error.message}`) },
        )
      }
    >
      {what === "cancel" ? <Trans>Call off</Trans> : <Trans>Send again</Trans>}
    </Button>
  );
}
