import { Trans, useLingui } from "@lingui/react/macro";
import { type ComponentProps, type ComponentType, useState } from "react";
import { Form } from "../../ui/Form";
import { Failed, Loading } from "../../ui/states";
import { type Offered, type Robot, useOffered } from "./queries";
import { nameGood, RobotFields, type Typed } from "./RobotFields";
import {
  hasDenials,
  type Place,
  permissionsOf,
  placesFor,
  placesOf,
  type RobotPermission,
} from "./rights";
import classes from "./robots.module.css";

interface Made {
  name: string;
  description: string;
  duration: number;
  permissions: RobotPermission[];
}

/** What fields of what a robot may do are given. */
export interface RightsProps {
  places: Place[];
  onChange: (places: Place[]) => void;
  offered: Offered;
}

interface Props extends Omit<ComponentProps<typeof Form>, "onSubmit" | "children" | "disabled"> {
  /** The project that it is of; none: the registry. */
  project?: string;
  /** The robot that is changed; none: a new one is made. */
  robot?: Robot;
  /** So many days a new one lives, unless something else is chosen; -1 for ever. */
  days?: number;
  /** The fields of what it may do. */
  rights: ComponentType<RightsProps>;
  onSave: (made: Made) => void;
}

/** Name, description, end and rights of a robot. */
export function RobotForm({
  project = "",
  robot,
  days = -1,
  rights: Rights,
  onSave,
  ...form
}: Props) {
  const { t } = useLingui();
  const offered = useOffered();
  const [typed, setTyped] = useState<Typed>({
    name: robot?.name ?? "",
    description: robot?.description ?? "",
    duration: robot?.duration ?? days,
  });
  const [places, setPlaces] = useState(() => placesOf(robot?.permissions));
  const shown = placesFor(project, places, offered.data?.project ?? []);
  const permissions = permissionsOf(shown);
  const denied = hasDenials(robot?.permissions);
  const ready = (robot || nameGood(typed.name)) && permissions.length > 0 && !denied;
  return (
    <Form
      wide
      {...form}
      disabled={!ready}
      onSubmit={() => ready && onSave({ ...typed, permissions })}
    >
      {denied && (
        <p className={classes.notice}>
          <Trans>
            Some rights are denied to this robot by name. This page can't show that, so it doesn't
            change the robot: use the API.
          </Trans>
        </p>
      )}
      <RobotFields typed={typed} onChange={setTyped} project={project} fixedName={!!robot} />
      {offered.isPending && <Loading rows={3} />}
      {offered.isError && (
        <Failed
          what={t`What a robot may be given can't be shown.`}
          error={offered.error}
          retry={() => offered.refetch()}
        />
      )}
      {offered.data && <Rights places={shown} offered={offered.data} onChange={setPlaces} />}
    </Form>
  );
}
