import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client";
import { type Column, DataTable } from "../../ui/DataTable";
import { Severity, SeverityCounts } from "../../ui/Severity";
import { ArtifactLink } from "./ArtifactLink";
import { Score } from "./Score";

type Cve = Schema["DangerousCVE"];
type Artifact = Schema["DangerousArtifact"];

/** The findings of the highest score, each with the way to all places where it is. */
export function WorstCves({ cves }: { cves: Cve[] }) {
  const { t } = useLingui();
  const columns: Column<Cve>[] = [
    {
      key: "id",
      title: t`Vulnerability`,
      names: true,
      cell: (cve) => (
        <Link to="/security/cve/$cve" params={{ cve: cve.cve_id ?? "" }}>
          {cve.cve_id}
        </Link>
      ),
    },
    { key: "severity", title: t`Severity`, cell: (cve) => <Severity of={cve.severity} /> },
    {
      key: "score",
      title: t`Score`,
      number: true,
      cell: (cve) => <Score of={cve.cvss_score_v3} />,
    },
    { key: "package", title: t`Package`, cell: (cve) => `${cve.package} ${cve.version}` },
  ];
  return (
    <DataTable
      caption={t`Worst findings`}
      columns={columns}
      rows={cves}
      rowKey={(cve) => `${cve.cve_id} ${cve.package} ${cve.version}`}
    />
  );
}

/** The artifacts with the most grave findings. */
export function WorstArtifacts({ artifacts }: { artifacts: Artifact[] }) {
  const { t } = useLingui();
  const columns: Column<Artifact>[] = [
    {
      key: "where",
      title: t`Artifact`,
      names: true,
      cell: (artifact) => (
        <ArtifactLink name={artifact.repository_name ?? ""} digest={artifact.digest ?? ""} />
      ),
    },
    {
      key: "counts",
      title: t`Findings`,
      cell: ({ critical_cnt, high_cnt, medium_cnt }) => (
        <SeverityCounts counts={{ Critical: critical_cnt, High: high_cnt, Medium: medium_cnt }} />
      ),
    },
  ];
  return (
    <DataTable
      caption={t`Worst artifacts`}
      columns={columns}
      rows={artifacts}
      rowKey={(artifact) => `${artifact.repository_name} ${artifact.digest}`}
    />
  );
}
