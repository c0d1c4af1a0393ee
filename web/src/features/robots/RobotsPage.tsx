import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Section } from "../../ui/Page";
import { Empty, Loading } from "../../ui/states";
import type { Project } from "../projects/queries";
import type { May } from "../session/may";
import { Guarded } from "../settings/Guarded";
import { RobotActions } from "./RobotActions";
import { RobotList } from "./RobotList";
import { SecretShown, type Shown } from "./SecretShown";

const EditRobot = lazy(() => import("./EditRobot").then((part) => ({ default: part.EditRobot })));

const route = getRouteApi("/p/$project/settings/robots");

/** The accounts of a project for programs. */
export function RobotsPage() {
  return (
    <Guarded resource="robot" action="list">
      {(project, may) => <Robots project={project} may={may} />}
    </Guarded>
  );
}

interface Props {
  project: Project;
  may: May;
}

function Robots({ project, may }: Props) {
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const [shown, setShown] = useState<Shown>();
  const close = () => navigate({ search: ({ edit: _, ...rest }) => rest });
  return (
    <>
      {shown && <Secret shown={shown} onClose={() => setShown(undefined)} />}
      {edit && may("robot", "create") && (
        <Suspense fallback={<Loading />}>
          <EditRobot
            key={edit}
            project={project.name ?? ""}
            id={edit === "new" ? undefined : Number(edit)}
            onMade={setShown}
            onClose={close}
          />
        </Suspense>
      )}
      <List project={project} may={may} onSecret={setShown} />
    </>
  );
}

function List({ project, may, onSecret }: Props & { onSecret: (shown: Shown) => void }) {
  const { edit, ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const open = (id: string) => navigate({ search: (before) => ({ ...before, edit: id }) });
  return (
    <RobotList
      project={project}
      search={search}
      onSearch={(next, replace = false) =>
        navigate({ search: (before) => ({ ...before, ...next }), replace })
      }
      create={
        may("robot", "create") &&
        edit !== "new" && (
          <Button onClick={() => open("new")}>
            <Trans>Create robot</Trans>
          </Button>
        )
      }
      none={<NoRobots />}
      actions={
        may("robot", "update")
          ? (robot) => (
              <RobotActions
                robot={robot}
                mayDelete={may("robot", "delete")}
                onEdit={({ id }) => open(String(id))}
                onSecret={onSecret}
              />
            )
          : undefined
      }
    />
  );
}

function Secret({ shown, onClose }: { shown: Shown; onClose: () => void }) {
  const { t } = useLingui();
  const box = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: for each secret anew
  useEffect(() => box.current?.scrollIntoView({ block: "nearest" }), [shown]);
  return (
    <div ref={box}>
      <Section
        title={t`Secret of ${shown.name}`}
        actions={
          <Button variant="default" size="xs" onClick={onClose}>
            <Trans>I have copied it</Trans>
          </Button>
        }
      >
        <SecretShown shown={shown} />
      </Section>
    </div>
  );
}

function NoRobots() {
  const { t } = useLingui();
  return (
    <Empty title={t`This project has no robots.`}>
      <p>
        <Trans>
          A robot is an account for a program: a pipeline that pushes, a cluster that pulls. It has
          a secret of its own and may do only what you tick.
        </Trans>
      </p>
    </Empty>
  );
}
