import { Trans } from "@lingui/react/macro";
import { IconAlertTriangle, IconCircleCheck } from "@tabler/icons-react";
import classes from "./parts.module.css";

/** Whether something is well, by a sign and a word, with what is wrong with it below. */
export function Well({ well, why }: { well: boolean; why?: string | undefined }) {
  return (
    <span>
      <span className={well ? classes.good : classes.bad}>
        {well ? (
          <>
            <IconCircleCheck size={16} aria-hidden /> <Trans>Healthy</Trans>
          </>
        ) : (
          <>
            <IconAlertTriangle size={16} aria-hidden /> <Trans>Unhealthy</Trans>
          </>
        )}
      </span>
      {!well && why && <span className={classes.small}> {why}</span>}
    </span>
  );
}
