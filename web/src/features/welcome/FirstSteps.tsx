import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ButtonLink } from "../../ui/ButtonLink";
import { Section } from "../../ui/Page";
import type { SignedIn } from "../session/queries";
import { isEnded, noteEnded } from "./progress";
import { useStatistics } from "./queries";
import classes from "./welcome.module.css";

/** Offers an administrator to set the registry up, as long as nothing is in it. */
export function FirstSteps({ user }: { user: SignedIn }) {
  const { t } = useLingui();
  const [ended, setEnded] = useState(isEnded);
  const statistics = useStatistics(!ended);
  const fresh = user.password_generated || statistics.data?.total_repo_count === 0;
  if (ended || !fresh) return null;
  return (
    <Section title={t`First steps`}>
      <p>
        <Trans>Four short steps to a registry that your team can use.</Trans>
      </p>
      <div className={classes.buttons}>
        <ButtonLink to="/welcome" variant="filled">
          <Trans>Set up Haven</Trans>
        </ButtonLink>
        <Button
          variant="subtle"
          onClick={() => {
            noteEnded();
            setEnded(true);
          }}
        >
          <Trans>Don't ask again</Trans>
        </Button>
      </div>
    </Section>
  );
}
