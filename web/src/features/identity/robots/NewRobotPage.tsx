import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { ButtonLink } from "../../../ui/ButtonLink";
import { Section } from "../../../ui/Page";
import { useSettings } from "../settings";
import { WideForm } from "../WideForm";
import { useCreateRobot } from "./queries";
import { nameGood, RobotFields, type Typed } from "./RobotForm";
import { permissionsOf } from "./rights";
import { Secret } from "./Secret";

/** Makes a robot of the registry, and shows its secret this once. */
export function NewRobotPage() {
  const { t } = useLingui();
  const create = useCreateRobot();
  const settings = useSettings();
  const [typed, setTyped] = useState<Typed>();
  const days = String(settings.data?.robot_token_duration?.value ?? 30);
  const shown = typed ?? { name: "", description: "", days, places: [] };
  const permissions = permissionsOf(shown.places);
  const ready = nameGood(shown.name) && permissions.length > 0;

  function submit() {
    if (!ready) return;
    const { name, description } = shown;
    create.mutate({
      name,
      description,
      level: "system",
      duration: Number(shown.days),
      permissions,
    });
  }

  return (
    <>
      <p>
        <Link to="/admin/robots">
          <Trans>All robots</Trans>
        </Link>
      </p>
      <Section title={t`Create robot`}>
        {create.data ? (
          <>
            <Secret name={create.data.name ?? ""} secret={create.data.secret ?? ""} />
            <div>
              <ButtonLink to="/admin/robots">
                <Trans>I have copied it</Trans>
              </ButtonLink>
            </div>
          </>
        ) : (
          <WideForm
            action={t`Create robot`}
            onSubmit={submit}
            busy={create.isPending}
            disabled={!ready}
            error={create.error}
            failed={t`The robot was not created.`}
          >
            <RobotFields typed={shown} onChange={setTyped} />
          </WideForm>
        )}
      </Section>
    </>
  );
}
