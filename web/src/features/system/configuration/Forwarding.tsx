import { Trans, useLingui } from "@lingui/react/macro";
import type { Schema } from "../../../api/client";
import { Section } from "../../../ui/Page";
import { When } from "../../../ui/When";
import { Fact, Facts } from "../parts/Facts";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { useForwarding } from "./queries";
import { SettingsForm } from "./SettingsForm";
import { forwardSettings } from "./settings";

/** Where the rows of the audit log are sent, and how far that is. */
export function Forwarding() {
  const { t } = useLingui();
  const forwarding = useForwarding();
  return (
    <Section title={t`Forwarding of the audit log`}>
      <p className={classes.prose}>
        <Trans>
          Each row reaches the receiver at least once, in order. Saving connects to the receiver
          first: if that fails nothing is saved, and you are told why.
        </Trans>
      </p>
      <Shown query={forwarding} what={t`How far the forwarding is can't be shown.`} rows={2}>
        {(data) => <Progress of={data} />}
      </Shown>
      <SettingsForm settings={forwardSettings} />
    </Section>
  );
}

function Progress({ of }: { of: Schema["AuditForwarding"] }) {
  const { t } = useLingui();
  const words: Record<string, string> = {
    off: t`Nothing is forwarded`,
    current: t`All that happened is there`,
    behind: t`Rows wait, and are on their way`,
    failing: t`The receiver doesn't take them; they wait here`,
  };
  return (
    <Facts>
      <Fact name={t`State`}>{words[of.state] ?? of.state}</Fact>
      {of.state !== "off" && (
        <>
          <Fact name={t`Delivered`}>{of.sent_rows}</Fact>
          <Fact name={t`Waiting`}>{of.pending_rows}</Fact>
          <Fact name={t`Last delivery`}>
            <When time={of.last_sent_time} />
          </Fact>
        </>
      )}
      {of.last_error && (
        <Fact name={t`Last failure`}>
          {of.last_error} (<When time={of.last_error_time} />)
        </Fact>
      )}
    </Facts>
  );
}
