import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { ButtonLink } from "../../ui/ButtonLink";
import { Section } from "../../ui/Page";
import { Loading } from "../../ui/states";
import { useCurrent } from "../settings/current";
import { Refused } from "../settings/Refused";
import { ChangeWebhook } from "./ChangeWebhook";
import { Deliveries } from "./Deliveries";
import { useWebhook } from "./queries";
import { WebhookActions } from "./WebhookActions";
import { WebhookFacts } from "./WebhookFacts";
import { WebhookTest } from "./WebhookTest";
import classes from "./webhooks.module.css";

const route = getRouteApi("/p/$project/settings/webhooks/$webhook");

/** One webhook: how it fares, what it sent, and what it is. */
export function WebhookPage() {
  const { t } = useLingui();
  const { name, may } = useCurrent();
  const id = Number(route.useParams().webhook);
  const webhook = useWebhook(id);
  const changes = may("notification-policy", "update");
  if (webhook.isPending) return <Loading />;
  if (webhook.isError) {
    return (
      <Refused
        what={t`The webhook can't be shown.`}
        error={webhook.error}
        retry={() => webhook.refetch()}
      />
    );
  }
  return (
    <>
      <div className={classes.row}>
        <ButtonLink size="xs" to="/p/$project/settings/webhooks" params={{ project: name }}>
          <Trans>All webhooks</Trans>
        </ButtonLink>
      </div>
      <Section
        title={webhook.data.name ?? ""}
        actions={changes && <WebhookActions project={name} webhook={webhook.data} />}
      >
        <WebhookFacts webhook={webhook.data} />
        {changes && <WebhookTest id={id} />}
      </Section>
      <Deliveries id={id} changes={changes} />
      {changes && (
        <Section title={t`What it tells, and to whom`}>
          <ChangeWebhook project={name} webhook={webhook.data} />
        </Section>
      )}
    </>
  );
}
