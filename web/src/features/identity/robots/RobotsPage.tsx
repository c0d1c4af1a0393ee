import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ButtonLink } from "../../../ui/ButtonLink";
import { Empty } from "../../../ui/states";
import { RobotActions } from "../../robots/RobotActions";
import { RobotList } from "../../robots/RobotList";

const route = getRouteApi("/admin/robots");

/** Accounts of programs that belong to no project. */
export function RobotsPage() {
  const navigate = route.useNavigate();
  return (
    <RobotList
      search={route.useSearch()}
      onSearch={(next, replace = false) =>
        navigate({ search: (before) => ({ ...before, ...next }), replace })
      }
      create={
        <ButtonLink to="/admin/robots/new" variant="filled">
          <Trans>Create robot</Trans>
        </ButtonLink>
      }
      none={<NoRobots />}
      name={(robot) => (
        <Link to="/admin/robots/$robot" params={{ robot: String(robot.id) }}>
          {robot.name}
        </Link>
      )}
      actions={(robot) => <RobotActions robot={robot} mayDelete />}
    />
  );
}

function NoRobots() {
  const { t } = useLingui();
  return (
    <Empty title={t`There is no robot of the registry yet.`}>
      <p>
        <Trans>
          A robot is an account for a program: CI, a cluster, a mirror. One of the registry can act
          in several or all projects, and do what administrators do. For a single project, make one
          in the settings of that project.
        </Trans>
      </p>
    </Empty>
  );
}
