import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { ButtonLink } from "../../../ui/ButtonLink";
import { Section } from "../../../ui/Page";
import { Loading } from "../../../ui/states";
import { Places } from "../../robots/Places";
import { useMakeRobot } from "../../robots/queries";
import { RobotForm } from "../../robots/RobotForm";
import { SecretShown } from "../../robots/SecretShown";
import { useSettings } from "../settings";

/** Makes a robot of the registry, and shows its secret this once. */
export function NewRobotPage() {
  const { t } = useLingui();
  return (
    <>
      <p>
        <Link to="/admin/robots">
          <Trans>All robots</Trans>
        </Link>
      </p>
      <Section title={t`Create robot`}>
        <NewRobot />
      </Section>
    </>
  );
}

function NewRobot() {
  const { t } = useLingui();
  const make = useMakeRobot();
  const settings = useSettings();
  if (settings.isPending) return <Loading />;
  if (make.data) {
    const { name = "", secret = "" } = make.data;
    return (
      <SecretShown shown={{ name, secret }}>
        <ButtonLink to="/admin/robots">
          <Trans>I have copied it</Trans>
        </ButtonLink>
      </SecretShown>
    );
  }
  return (
    <RobotForm
      days={Number(settings.data?.robot_token_duration?.value ?? 30)}
      rights={Places}
      action={t`Create robot`}
      busy={make.isPending}
      error={make.error}
      failed={t`The robot was not created.`}
      onSave={(made) => make.mutate({ ...made, level: "system" })}
    />
  );
}
