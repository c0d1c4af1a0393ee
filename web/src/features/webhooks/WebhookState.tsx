import { Plural, Trans } from "@lingui/react/macro";
import { IconAlertTriangle, IconCircleCheck, IconPlayerPause } from "@tabler/icons-react";
import type { Webhook } from "./queries";
import classes from "./webhooks.module.css";

/** Whether a webhook is on, and whether its addresses take what is sent. */
export function WebhookState({ webhook }: { webhook: Webhook }) {
  const failures = Math.max(0, ...(webhook.targets ?? []).map((target) => target.failures ?? 0));
  if (!webhook.enabled) {
    return (
      <span className={`${classes.dim} ${classes.row}`}>
        <IconPlayerPause size={16} aria-hidden />
        <Trans>Disabled</Trans>
      </span>
    );
  }
  if (failures > 0) {
    return (
      <span className={classes.bad} title={complaints(webhook)}>
        <IconAlertTriangle size={16} aria-hidden />
        <Plural value={failures} one="Failed the last time" other="Failed # times in a row" />
      </span>
    );
  }
  return (
    <span className={classes.good}>
      <IconCircleCheck size={16} aria-hidden />
      <Trans>Enabled</Trans>
    </span>
  );
}

function complaints(webhook: Webhook): string {
  return (webhook.targets ?? [])
    .map((target) => target.complaint)
    .filter(Boolean)
    .join("; ");
}
