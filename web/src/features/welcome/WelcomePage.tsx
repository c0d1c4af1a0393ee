import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { ButtonLink } from "../../ui/ButtonLink";
import { Page, Section } from "../../ui/Page";
import { Loading } from "../../ui/states";
import { type SignedIn, useSession } from "../session/queries";
import { SignInRequired } from "../session/SignInRequired";
import { AddressStep } from "./AddressStep";
import { PasswordStep } from "./PasswordStep";
import { ProjectStep } from "./ProjectStep";
import { doneSteps, nextStep, noteBegun, noteEnded, noteStep, type Step, steps } from "./progress";
import { StepList } from "./StepList";
import { StorageStep } from "./StorageStep";
import classes from "./welcome.module.css";

const route = getRouteApi("/welcome");

/** `/welcome`: from a first start to a first image, step by step; each can be left out. */
export function WelcomePage() {
  const { t } = useLingui();
  const session = useSession();
  const user = session.data;
  return (
    <Page title={t`Set up Haven`}>
      {session.isPending && <Loading />}
      {!session.isPending && !user?.sysadmin_flag && (
        <SignInRequired>
          <p>
            <Trans>This is for administrators of the registry.</Trans>
          </p>
        </SignInRequired>
      )}
      {user?.sysadmin_flag && <Steps user={user} />}
    </Page>
  );
}

function Steps({ user }: { user: SignedIn }) {
  const { t } = useLingui();
  const navigate = useNavigate();
  useEffect(noteBegun, []);
  const done = doneSteps();
  if (!user.password_generated) done.add("password");
  const { step: wanted } = route.useSearch();
  const step = steps.find((each) => each === wanted) ?? nextStep(done);
  const at = steps.indexOf(step);
  const following = steps[at + 1];
  const titles: Record<Step, string> = {
    password: t`Change password`,
    address: t`Address`,
    storage: t`Storage`,
    project: t`First project`,
  };

  function go(next: Step | undefined) {
    if (next) navigate({ to: "/welcome", search: { step: next } });
    else {
      noteEnded();
      navigate({ to: "/" });
    }
  }

  return (
    <div className={classes.columns}>
      <StepList titles={titles} at={step} done={done} />
      <Section title={titles[step]}>
        {step === "password" && <PasswordStep user={user} />}
        {step === "address" && <AddressStep />}
        {step === "storage" && <StorageStep />}
        {step === "project" && <ProjectStep />}
        <div className={classes.buttons}>
          <Button
            onClick={() => {
              noteStep(step);
              go(following);
            }}
            disabled={step === "password" && user.password_generated}
          >
            {following ? <Trans>Next step</Trans> : <Trans>Finish</Trans>}
          </Button>
          {following && (
            <Button variant="default" onClick={() => go(following)}>
              <Trans>Skip this step</Trans>
            </Button>
          )}
          <ButtonLink to="/" variant="subtle">
            <Trans>Go on later</Trans>
          </ButtonLink>
        </div>
      </Section>
    </div>
  );
}
