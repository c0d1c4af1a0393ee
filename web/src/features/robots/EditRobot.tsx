import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { ChangeRobot } from "./ChangeRobot";
import { OneProject } from "./OneProject";
import { useMakeRobot, useRobot } from "./queries";
import { RobotForm } from "./RobotForm";
import type { Shown } from "./SecretShown";

interface Props {
  project: string;
  /** The robot that is changed; none: a new one is made. */
  id: number | undefined;
  onMade: (shown: Shown) => void;
  onClose: () => void;
}

/** A new robot of a project, or another description, end and rights for one. */
export function EditRobot({ id, ...rest }: Props) {
  return id ? <Change id={id} {...rest} /> : <Make {...rest} />;
}

function Cancel({ onClose }: { onClose: () => void }) {
  return (
    <Button variant="default" onClick={onClose}>
      <Trans>Cancel</Trans>
    </Button>
  );
}

function Make({ project, onMade, onClose }: Omit<Props, "id">) {
  const { t } = useLingui();
  const make = useMakeRobot();
  return (
    <Section title={t`Create robot`}>
      <RobotForm
        project={project}
        days={90}
        rights={OneProject}
        action={t`Create robot`}
        busy={make.isPending}
        error={make.error}
        failed={t`The robot was not created.`}
        more={<Cancel onClose={onClose} />}
        onSave={(made) =>
          make.mutate(
            { ...made, level: "project" },
            {
              onSuccess: ({ name = "", secret = "" }) => {
                onMade({ name, secret });
                onClose();
              },
            },
          )
        }
      />
    </Section>
  );
}

interface ChangeProps {
  project: string;
  id: number;
  onClose: () => void;
}

function Change({ project, id, onClose }: ChangeProps) {
  const { t } = useLingui();
  const robot = useRobot(id);
  return (
    <Section title={t`Edit ${robot.data?.name ?? ""}`}>
      {robot.isPending && <Loading />}
      {robot.isError && <Failed what={t`The robot can't be shown.`} error={robot.error} />}
      {robot.data && (
        <ChangeRobot
          project={project}
          robot={robot.data}
          rights={OneProject}
          more={<Cancel onClose={onClose} />}
          onDone={onClose}
        />
      )}
    </Section>
  );
}
