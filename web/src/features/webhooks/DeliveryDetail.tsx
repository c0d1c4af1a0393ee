import { Trans, useLingui } from "@lingui/react/macro";
import { Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { Exchange } from "./Exchange";
import { type Delivery, useDelivery } from "./queries";
import classes from "./webhooks.module.css";

/** A delivery with its request and the last answer. */
export function DeliveryDetail({ id, delivery }: { id: number; delivery: Delivery }) {
  const { t } = useLingui();
  const whole = useDelivery(id, delivery);
  if (whole.isPending) return <Loading rows={2} />;
  if (whole.isError) {
    return (
      <Failed
        what={t`The delivery can't be shown.`}
        error={whole.error}
        retry={() => whole.refetch()}
      />
    );
  }
  return (
    <div className={classes.group}>
      <Facts delivery={whole.data} />
      <Exchange exchange={whole.data} />
    </div>
  );
}

function Facts({ delivery }: { delivery: Delivery }) {
  return (
    <dl className={classes.facts}>
      <dt>
        <Trans>Sent to</Trans>
      </dt>
      <dd>{delivery.address || "–"}</dd>
      <dt>
        <Trans>Attempts</Trans>
      </dt>
      <dd>{delivery.attempts}</dd>
      {delivery.complaint && (
        <>
          <dt>
            <Trans>What went wrong</Trans>
          </dt>
          <dd>{delivery.complaint}</dd>
        </>
      )}
      {delivery.next_try_at && (
        <>
          <dt>
            <Trans>Next try</Trans>
          </dt>
          <dd>
            <When time={delivery.next_try_at} />
          </dd>
        </>
      )}
      <dt>
        <Trans>Done by</Trans>
      </dt>
      <dd>{delivery.operator || "–"}</dd>
    </dl>
  );
}
