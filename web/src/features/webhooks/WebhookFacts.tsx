import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { Fragment } from "react";
import { wordsOf } from "./events";
import type { Target, Webhook } from "./queries";
import { WebhookState } from "./WebhookState";
import classes from "./webhooks.module.css";

/** What a webhook is and how its addresses fare. */
export function WebhookFacts({ webhook }: { webhook: Webhook }) {
  const { i18n } = useLingui();
  const names = (webhook.event_types ?? []).map((type) => {
    const words = wordsOf(type);
    return words ? i18n._(words.title) : type;
  });
  return (
    <>
      {webhook.description && <p>{webhook.description}</p>}
      <dl className={classes.facts}>
        <dt>
          <Trans>State</Trans>
        </dt>
        <dd>
          <WebhookState webhook={webhook} />
        </dd>
        <dt>
          <Trans>Tells of</Trans>
        </dt>
        <dd>{names.join(", ")}</dd>
        {(webhook.targets ?? []).map((target) => (
          <Fragment key={`${target.type} ${target.address}`}>
            <dt>
              <Trans>Sends to</Trans>
            </dt>
            <dd>
              {target.address}
              <Trouble target={target} />
            </dd>
          </Fragment>
        ))}
      </dl>
    </>
  );
}

/** What is wrong with an address. */
function Trouble({ target }: { target: Target }) {
  const lost = target.lost ?? 0;
  return (
    <>
      {(target.failures ?? 0) > 0 && (
        <p className={classes.bad}>
          <Trans>It failed the last time: {target.complaint}</Trans>
        </p>
      )}
      {lost > 0 && (
        <p className={classes.bad}>
          <Plural
            value={lost}
            one="# event was lost, because the queue was full."
            other="# events were lost, because the queue was full."
          />
        </p>
      )}
    </>
  );
}
