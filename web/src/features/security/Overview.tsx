import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import { type Summary, useSummary } from "./queries";
import { SeverityBars } from "./SeverityBars";
import classes from "./security.module.css";
import { WorstArtifacts, WorstCves } from "./Worst";

/** How many findings there are of each severity, and where to begin. */
export function Overview() {
  const { t } = useLingui();
  const summary = useSummary();
  if (summary.isPending) return <Loading />;
  if (summary.isError) {
    return (
      <Failed
        what={t`The findings can't be summed up.`}
        error={summary.error}
        retry={() => summary.refetch()}
      />
    );
  }
  const { scanned_cnt: scanned, total_vuls: total } = summary.data;
  return (
    <>
      <Section title={t`Findings by severity`}>
        {scanned === 0 ? <NothingScanned /> : <Figures summary={summary.data} />}
      </Section>
      {total > 0 && (
        <>
          <Section title={t`Worst findings`}>
            <WorstCves cves={summary.data.dangerous_cves ?? []} />
          </Section>
          <Section title={t`Worst artifacts`}>
            <WorstArtifacts artifacts={summary.data.dangerous_artifacts ?? []} />
          </Section>
        </>
      )}
    </>
  );
}

function Figures({ summary }: { summary: Summary }) {
  const { scanned_cnt: scanned, total_artifact: artifacts, total_vuls: total } = summary;
  const { fixable_cnt: fixable } = summary;
  return (
    <>
      <p className={classes.figures}>
        <span>
          <Trans>
            {scanned} of {artifacts} artifacts scanned
          </Trans>
        </span>
        <span>
          <Trans>{total} findings</Trans>
        </span>
        <span>
          <Link to="/security" search={{ tab: "findings", fix: "fixed" }}>
            <Trans>{fixable} have a fix</Trans>
          </Link>
        </span>
      </p>
      <SeverityBars summary={summary} />
    </>
  );
}

function NothingScanned() {
  const { t } = useLingui();
  return (
    <Empty title={t`No scan has succeeded yet.`}>
      <p>
        <Trans>
          Images are scanned when they are pushed into a project that says so, when somebody asks,
          or all of them by the clock. What is found shows up here.
        </Trans>
      </p>
    </Empty>
  );
}
