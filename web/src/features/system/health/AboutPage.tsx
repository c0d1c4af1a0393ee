import { Trans, useLingui } from "@lingui/react/macro";
import { Command } from "../../../ui/Command";
import { Page, Section } from "../../../ui/Page";
import { useUser } from "../../session/queries";
import { Fact, Facts } from "../parts/Facts";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { useInfo, useVersion } from "./queries";

/** `/about`: which program this is, under which licence, and how other programs speak to it. */
export function AboutPage() {
  const { t } = useLingui();
  const user = useUser();
  const info = useInfo();
  const version = useVersion();
  return (
    <Page title={t`About Haven`}>
      <Section title={t`The program`}>
        <Shown query={info} what={t`The server says nothing of itself.`}>
          {(data) => (
            <Facts>
              <Fact name={t`Version`}>
                {data.haven_version ?? <Trans>told to those who are signed in</Trans>}
              </Fact>
              {data.harbor_version && <Fact name={t`API of Harbor`}>{data.harbor_version}</Fact>}
              <Fact name={t`API version`}>{version.data?.version ?? "–"}</Fact>
              <Fact name={t`Licence`}>Apache License 2.0</Fact>
            </Facts>
          )}
        </Shown>
      </Section>
      <Api name={user?.username ?? "NAME"} />
    </Page>
  );
}

function Api({ name }: { name: string }) {
  const { t } = useLingui();
  const { origin } = window.location;
  return (
    <Section title={t`APIs of this host`}>
      <p className={classes.prose}>
        <Trans>
          What these pages do, programs can do. /v2/ is OCI distribution, which docker and others
          speak; /api/v2.0 is Harbor's; /api/haven/v1 has what Harbor doesn't. Programs sign in by
          name and password, a robot's secret, or an access token of your account.
        </Trans>
      </p>
      <Command
        title={t`Your projects, by Harbor's API`}
        text={`curl -u ${name} ${origin}/api/v2.0/projects`}
      />
      <Command
        title={t`Your access tokens, by Haven's own API`}
        text={`curl -u ${name} ${origin}/api/haven/v1/tokens`}
      />
      <p>
        <a href="/api/version">/api/version</a> · <a href="/api/v2.0/health">/api/v2.0/health</a> ·{" "}
        <a href="/api/v2.0/systeminfo">/api/v2.0/systeminfo</a>
      </p>
    </Section>
  );
}
