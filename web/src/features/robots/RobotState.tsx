import { Trans } from "@lingui/react/macro";
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleX,
  IconPlayerPause,
} from "@tabler/icons-react";
import { When } from "../../ui/When";
import type { Robot } from "./queries";
import classes from "./robots.module.css";

const end = (robot: Robot) => (robot.expires_at ?? -1) * 1000;

export function isExpired(robot: Robot, now: number): boolean {
  return end(robot) > 0 && end(robot) <= now;
}

/** Whether a robot works, and until when; what ends soon is marked. */
export function RobotState({ robot }: { robot: Robot }) {
  const ends = end(robot) > 0 ? new Date(end(robot)).toISOString() : undefined;
  return (
    <div className={classes.head}>
      <Sign robot={robot} />
      <span className={classes.dim}>
        {ends ? (
          <Trans>
            ends <When time={ends} />
          </Trans>
        ) : (
          <Trans>never ends</Trans>
        )}
      </span>
      {robot.previous_secret_expires_at && (
        <span className={classes.dim}>
          <Trans>
            its old secret ends <When time={robot.previous_secret_expires_at} />
          </Trans>
        </span>
      )}
    </div>
  );
}

function Sign({ robot }: { robot: Robot }) {
  if (isExpired(robot, Date.now())) {
    return (
      <span className={classes.over}>
        <IconCircleX size={16} aria-hidden />
        <Trans>Expired</Trans>
      </span>
    );
  }
  if (robot.disable) {
    return (
      <span className={classes.off}>
        <IconPlayerPause size={16} aria-hidden />
        <Trans>Disabled</Trans>
      </span>
    );
  }
  if (robot.expires_soon) {
    return (
      <span className={classes.warn}>
        <IconAlertTriangle size={16} aria-hidden />
        <Trans>Ends soon</Trans>
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
