import { useLingui } from "@lingui/react/macro";
import { Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { useChangeRobot, useMakeRobot, useRobot } from "./queries";
import { RobotForm } from "./RobotForm";
import { presets, rightsOf } from "./rights";
import type { Shown } from "./SecretShown";

interface Props {
  project: string;
  /** The robot that is changed; none: a new one is made. */
  id: number | undefined;
  onMade: (shown: Shown) => void;
  onClose: () => void;
}

/** A new robot, or another description, end and rights for one. */
export function EditRobot({ id, ...rest }: Props) {
  return id ? <Change id={id} {...rest} /> : <Make {...rest} />;
}

type MakeProps = Omit<Props, "id">;

const fresh = { name: "", description: "", duration: 90, rights: presets.pull };

function Make({ project, onMade, onClose }: MakeProps) {
  const { t } = useLingui();
  const make = useMakeRobot(project);
  return (
    <Section title={t`Create robot`}>
      <RobotForm
        project={project}
        draft={fresh}
        action={t`Create robot`}
        busy={make.isPending}
        error={make.error}
        failed={t`The robot was not created.`}
        onSave={(draft) =>
          make.mutate(draft, {
            onSuccess: ({ name = "", secret = "" }) => {
              onMade({ name, secret });
              onClose();
            },
          })
        }
        onClose={onClose}
      />
    </Section>
  );
}

function Change({ project, id, onClose }: MakeProps & { id: number }) {
  const { t } = useLingui();
  const robot = useRobot(id);
  const change = useChangeRobot(project);
  const { data } = robot;
  return (
    <Section title={t`Edit ${data?.name ?? ""}`}>
      {robot.isPending && <Loading />}
      {robot.isError && <Failed what={t`The robot can't be shown.`} error={robot.error} />}
      {data && (
        <RobotForm
          project={project}
          existing
          draft={{
            name: data.name ?? "",
            description: data.description ?? "",
            duration: data.duration ?? -1,
            rights: rightsOf(data.permissions),
          }}
          action={t`Save robot`}
          busy={change.isPending}
          error={change.error}
          failed={t`The robot was not changed.`}
          onSave={({ description, duration, rights }) =>
            change.mutate({ robot: data, description, duration, rights }, { onSuccess: onClose })
          }
          onClose={onClose}
        />
      )}
    </Section>
  );
}
