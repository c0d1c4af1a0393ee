import { Trans, useLingui } from "@lingui/react/macro";
import { Progress } from "@mantine/core";
import type { Quota } from "./queries";
import classes from "./quotas.module.css";

/** How much of a quota is used, as a bar and a number. */
export function Usage({ quota }: { quota: Quota }) {
  const { t } = useLingui();
  const used = quota.used.storage ?? 0;
  const hard = quota.hard.storage ?? -1;
  if (hard < 0)
    return (
      <span className={classes.dim}>
        <Trans>no limit</Trans>
      </span>
    );
  const percent = hard > 0 ? Math.min(100, Math.round((used / hard) * 100)) : 100;
  return (
    <span className={classes.usage}>
      <Progress
        className={classes.bar}
        value={percent}
        color={percent >= 90 ? "red" : "teal"}
        aria-label={t`Used of the quota of ${quota.ref?.name}`}
      />
      <span>{percent} %</span>
    </span>
  );
}
