import { Trans, useLingui } from "@lingui/react/macro";
import { Section } from "../../../ui/Page";
import { useInfo } from "../health/queries";
import { Fact, Facts } from "../parts/Facts";
import classes from "../parts/parts.module.css";
import { Forwarding } from "./Forwarding";
import { SettingsForm } from "./SettingsForm";
import {
  auditSettings,
  generalSettings,
  historySettings,
  lifeSettings,
  quotaSettings,
  trashSettings,
} from "./settings";

/** What an administrator changes while Haven runs. Who may come in is on the pages about sign-in. */
export function ConfigurationPage() {
  const { t } = useLingui();
  return (
    <>
      <Section title={t`The registry`}>
        <Address />
        <SettingsForm settings={generalSettings} />
      </Section>
      <Section title={t`How long things last`}>
        <SettingsForm settings={lifeSettings} />
      </Section>
      <Section title={t`Quota defaults`}>
        <SettingsForm settings={quotaSettings} />
      </Section>
      <Section title={t`What was deleted`}>
        <SettingsForm settings={trashSettings} />
      </Section>
      <Section title={t`Pulls and history`}>
        <SettingsForm settings={historySettings} />
      </Section>
      <Section title={t`What the audit log holds`}>
        <SettingsForm settings={auditSettings} />
      </Section>
      <Forwarding />
    </>
  );
}

function Address() {
  const { t } = useLingui();
  const info = useInfo();
  return (
    <Facts>
      <Fact name={t`Address`}>
        <span className={classes.code}>{info.data?.external_url ?? "–"}</span>
        <p className={classes.small}>
          <Trans>
            As you reached it. By which addresses clients may know this registry is set where Haven
            is started (external_url).
          </Trans>
        </p>
      </Fact>
    </Facts>
  );
}
