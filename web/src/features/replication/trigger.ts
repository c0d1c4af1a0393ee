import { useLingui } from "@lingui/react/macro";
import type { Policy } from "./queries";

/** When a policy is carried out, in words. */
export function useTriggerWords(): (policy: Policy) => string {
  const { t } = useLingui();
  return ({ trigger, events_by }) => {
    const cron = trigger?.trigger_settings?.cron ?? "";
    switch (trigger?.type) {
      case "scheduled":
        return t`by the clock: ${cron}`;
      case "event_based":
        return events_by === "polling" ? t`looks each minute` : t`with each push`;
      default:
        return t`by hand`;
    }
  };
}
