import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useNotices } from "../../../ui/Notices";
import { Section } from "../../../ui/Page";
import { Failed, Loading } from "../../../ui/states";
import { When } from "../../../ui/When";
import { ChangeRobot } from "../../robots/ChangeRobot";
import { Places } from "../../robots/Places";
import { type Robot, useRobot } from "../../robots/queries";
import { RobotActions } from "../../robots/RobotActions";
import { RobotState } from "../../robots/RobotState";
import classes from "../identity.module.css";

const route = getRouteApi("/admin/robots/$robot");

/** One robot of the registry: what it may do, how long it lives, its secrets. */
export function RobotPage() {
  const { t } = useLingui();
  const robot = useRobot(Number(route.useParams().robot));
  return (
    <>
      <p>
        <Link to="/admin/robots">
          <Trans>All robots</Trans>
        </Link>
      </p>
      {robot.isPending && <Loading />}
      {robot.isError && (
        <Failed
          what={t`The robot can't be shown.`}
          error={robot.error}
          retry={() => robot.refetch()}
        />
      )}
      {robot.data && <OneRobot key={robot.data.id} robot={robot.data} />}
    </>
  );
}

function OneRobot({ robot }: { robot: Robot }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const navigate = useNavigate();
  const name = robot.name ?? "";
  return (
    <Section
      title={name}
      actions={
        <RobotActions robot={robot} mayDelete onGone={() => navigate({ to: "/admin/robots" })} />
      }
    >
      <Facts robot={robot} />
      <ChangeRobot
        robot={robot}
        rights={Places}
        onDone={() => say(t`The robot ${name} is changed.`)}
      />
    </Section>
  );
}

function Facts({ robot }: { robot: Robot }) {
  return (
    <dl className={classes.facts}>
      <dt>
        <Trans>State</Trans>
      </dt>
      <dd>
        <RobotState robot={robot} />
      </dd>
      <dt>
        <Trans>Last used</Trans>
      </dt>
      <dd>{robot.last_used_at ? <When time={robot.last_used_at} /> : <Trans>never</Trans>}</dd>
    </dl>
  );
}
