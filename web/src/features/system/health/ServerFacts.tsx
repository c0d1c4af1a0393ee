import { Trans, useLingui } from "@lingui/react/macro";
import { ButtonLink } from "../../../ui/ButtonLink";
import { Section } from "../../../ui/Page";
import { When } from "../../../ui/When";
import { Fact, Facts } from "../parts/Facts";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { useClock, useInfo } from "./queries";

const much = 60; // seconds apart, from which on tokens and signatures may be refused

/** Which program runs here, where it keeps what it has, and whether its clock is right. */
export function ServerFacts() {
  const { t } = useLingui();
  const info = useInfo();
  return (
    <Section title={t`This server`} actions={<ButtonLink to="/about">{t`About Haven`}</ButtonLink>}>
      <Shown query={info} what={t`The server says nothing of itself.`}>
        {(data) => (
          <Facts>
            <Fact name={t`Version`}>{data.haven_version}</Fact>
            <Fact name={t`Address`}>{data.external_url}</Fact>
            <Fact name={t`Store of blobs`}>{data.registry_storage_provider_name}</Fact>
            <Fact name={t`Read-only`}>
              {data.read_only ? (
                <Trans>yes: pushes and changes are refused</Trans>
              ) : (
                <Trans>no</Trans>
              )}
            </Fact>
            <Fact name={t`Started`}>
              <When time={data.started_at} />
            </Fact>
            <Fact name={t`Clock`}>
              <Clock />
            </Fact>
          </Facts>
        )}
      </Shown>
    </Section>
  );
}

function Clock() {
  const clock = useClock();
  if (!clock.data) return "–";
  const seconds = Math.round(Math.abs(clock.data.apart));
  return (
    <>
      {clock.data.time.slice(0, 19).replace("T", " ")} UTC{" "}
      {seconds >= much ? (
        <span className={classes.bad}>
          <Trans>
            {seconds} seconds apart from this browser's: tokens and signatures may be refused. Set
            one of the two.
          </Trans>
        </span>
      ) : (
        <span className={classes.small}>
          <Trans>agrees with this browser's</Trans>
        </span>
      )}
    </>
  );
}
