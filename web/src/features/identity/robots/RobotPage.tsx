import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useNotices } from "../../../ui/Notices";
import { Section } from "../../../ui/Page";
import { Failed, Loading } from "../../../ui/states";
import { When } from "../../../ui/When";
import classes from "../identity.module.css";
import { WideForm } from "../WideForm";
import { DeleteRobot } from "./DeleteRobot";
import { type Robot, sameRobot, useEndPreviousSecret, useRobot, useUpdateRobot } from "./queries";
import { RobotFields, type Typed } from "./RobotForm";
import { Ends, State } from "./RobotTable";
import { hasDenials, permissionsOf, placesOf } from "./rights";

const RenewSecret = lazy(() =>
  import("./RenewSecret").then((part) => ({ default: part.RenewSecret })),
);

const route = getRouteApi("/admin/robots/$robot");

/** One robot: what it may do, how long it lives, its secrets. */
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
      {robot.data && (
        <Section title={robot.data.name ?? ""} actions={<Deeds robot={robot.data} />}>
          <Facts robot={robot.data} />
          <Change key={robot.data.update_time} robot={robot.data} />
        </Section>
      )}
    </>
  );
}

function Deeds({ robot }: { robot: Robot }) {
  const navigate = useNavigate();
  const [deed, setDeed] = useState<"renew" | "delete">();
  return (
    <div className={classes.bar}>
      <Button size="xs" variant="default" onClick={() => setDeed("renew")}>
        <Trans>Make a new secret</Trans>
      </Button>
      <Button
        size="xs"
        variant="default"
        className={classes.grave ?? ""}
        onClick={() => setDeed("delete")}
      >
        <Trans>Delete robot</Trans>
      </Button>
      {deed === "renew" && (
        <Suspense fallback={null}>
          <RenewSecret robot={robot} onClose={() => setDeed(undefined)} />
        </Suspense>
      )}
      {deed === "delete" && (
        <DeleteRobot
          robot={robot}
          onClose={() => setDeed(undefined)}
          onGone={() => navigate({ to: "/admin/robots" })}
        />
      )}
    </div>
  );
}

function Facts({ robot }: { robot: Robot }) {
  return (
    <dl className={classes.facts}>
      <dt>
        <Trans>State</Trans>
      </dt>
      <dd>
        <State robot={robot} />
      </dd>
      <dt>
        <Trans>Ends</Trans>
      </dt>
      <dd>
        <Ends robot={robot} />
      </dd>
      <dt>
        <Trans>Last used</Trans>
      </dt>
      <dd>{robot.last_used_at ? <When time={robot.last_used_at} /> : <Trans>never</Trans>}</dd>
      {robot.previous_secret_expires_at && (
        <Previous robot={robot} until={robot.previous_secret_expires_at} />
      )}
    </dl>
  );
}

function Previous({ robot, until }: { robot: Robot; until: string }) {
  const end = useEndPreviousSecret();
  return (
    <>
      <dt>
        <Trans>Former secret</Trans>
      </dt>
      <dd className={classes.bar}>
        <span>
          <Trans>
            good until <When time={until} />
          </Trans>
        </span>
        <Button
          size="xs"
          variant="default"
          loading={end.isPending}
          onClick={() => end.mutate(robot.id ?? 0)}
        >
          <Trans>End it now</Trans>
        </Button>
      </dd>
    </>
  );
}

function Change({ robot }: { robot: Robot }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const update = useUpdateRobot();
  const before: Typed = {
    name: robot.name ?? "",
    description: robot.description ?? "",
    days: String(robot.duration ?? -1),
    places: placesOf(robot.permissions),
  };
  const [typed, setTyped] = useState<Typed>();
  const shown = typed ?? before;
  const permissions = permissionsOf(shown.places);
  const kept = hasDenials(robot.permissions);

  function submit() {
    const { description, days } = shown;
    const body = { ...sameRobot(robot), description, duration: Number(days), permissions };
    update.mutate(
      { id: robot.id ?? 0, body },
      { onSuccess: () => say(t`The robot ${robot.name ?? ""} is changed.`) },
    );
  }

  return (
    <WideForm
      action={t`Save robot`}
      onSubmit={submit}
      busy={update.isPending}
      disabled={!typed || permissions.length === 0 || kept}
      error={update.error}
      failed={t`The robot was not changed.`}
    >
      {kept && (
        <p className={classes.notice}>
          <Trans>
            Some rights are denied to this robot by name. This page can't show that, so it doesn't
            change the robot: use the API.
          </Trans>
        </p>
      )}
      <RobotFields typed={shown} onChange={setTyped} fixedName />
    </WideForm>
  );
}
