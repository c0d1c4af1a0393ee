import { useLingui } from "@lingui/react/macro";
import type { ComponentProps } from "react";
import { type Robot, useChangeRobot } from "./queries";
import { RobotForm } from "./RobotForm";

interface Props extends Pick<ComponentProps<typeof RobotForm>, "project" | "rights" | "more"> {
  robot: Robot;
  onDone: () => void;
}

/** Another description, end and rights for a robot. */
export function ChangeRobot({ robot, onDone, ...rest }: Props) {
  const { t } = useLingui();
  const change = useChangeRobot(robot);
  return (
    <RobotForm
      robot={robot}
      action={t`Save robot`}
      busy={change.isPending}
      error={change.error}
      failed={t`The robot was not changed.`}
      {...rest}
      onSave={(made) => change.mutate({ ...made, name: robot.name ?? "" }, { onSuccess: onDone })}
    />
  );
}
