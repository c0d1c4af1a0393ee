import { useLingui } from "@lingui/react/macro";
import { Section } from "../../ui/Page";
import { isUnderWay } from "../../ui/Status";
import { Failed, Loading } from "../../ui/states";
import type { PlaceProps } from "../artifacts/place";
import { type Artifact, overviewOf } from "../artifacts/queries";
import type { May } from "../session/may";
import { Changes } from "./Changes";
import { Compare } from "./Compare";
import { FindingList } from "./FindingList";
import { NotScanned } from "./NotScanned";
import { useReport } from "./queries";
import { ScanBar } from "./ScanBar";

interface Props extends PlaceProps {
  artifact: Artifact;
  may: May;
}

/** What is known to be wrong with an artifact, and how to have it looked at anew. */
export function Vulnerabilities({ project, repository, artifact, may }: Props) {
  const { t } = useLingui();
  const place = { project, repository };
  const digest = artifact.digest ?? "";
  const overview = overviewOf(artifact);
  const version = `${overview?.report_id ?? ""} ${overview?.end_time ?? ""}`;
  const report = useReport(place, digest, version);
  const found = report.data;
  return (
    <>
      <Section
        title={t`Vulnerabilities`}
        actions={<ScanBar {...place} artifact={artifact} may={may} />}
      >
        {report.isPending && <Loading />}
        {report.isError && (
          <Failed
            what={t`The report can't be shown.`}
            error={report.error}
            retry={() => report.refetch()}
          />
        )}
        {found === null && !isUnderWay(overview?.scan_status) && (
          <NotScanned overview={overview} mayScan={may("scan", "create")} />
        )}
        {found && <FindingList report={found} overview={overview} />}
      </Section>
      {found && <Compare {...place} report={found} />}
      {found && <Changes {...place} digest={digest} />}
    </>
  );
}
