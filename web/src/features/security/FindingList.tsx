import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { Pager } from "../../ui/Pager";
import { Severity } from "../../ui/Severity";
import { Empty, Failed, Loading } from "../../ui/states";
import { ArtifactLink } from "./ArtifactLink";
import type { FindingFilter } from "./filter";
import { type Finding, findingsPerPage, useFindings } from "./queries";
import { Score } from "./Score";
import classes from "./security.module.css";
import { useFixWords } from "./words";

interface Props {
  filter: FindingFilter;
  page: number;
  onPage: (page: number) => void;
  /** The findings are all of one vulnerability, which needn't be said in each row. */
  ofOne?: boolean;
}

/** A page of findings. */
export function FindingList({ filter, page, onPage, ofOne }: Props) {
  const { t } = useLingui();
  const findings = useFindings(filter, page);
  const columns = useColumns();
  const shown = ofOne ? columns.filter((column) => column.key !== "id") : columns;
  const items = findings.data?.items ?? [];
  const counted = findings.data?.total ?? 0;
  // Too many to be counted: there is at least one more page where this one is full.
  const total =
    counted >= 0 ? counted : page * findingsPerPage + (items.length === findingsPerPage ? 1 : 0);
  return (
    <>
      {findings.isPending && <Loading />}
      {findings.isError && (
        <Failed
          what={t`The findings can't be searched.`}
          error={findings.error}
          retry={() => findings.refetch()}
        />
      )}
      {findings.isSuccess && items.length === 0 && <Empty title={t`Nothing found is like this.`} />}
      {items.length > 0 && (
        <>
          <p>
            {counted < 0 ? (
              <Trans>More than 1000 findings</Trans>
            ) : (
              <Trans>{counted} findings</Trans>
            )}
          </p>
          <DataTable
            caption={t`Findings`}
            columns={shown}
            rows={items}
            rowKey={(row) =>
              `${row.cve_id} ${row.repository_name} ${row.digest} ${row.package} ${row.version}`
            }
          />
        </>
      )}
      <Pager page={page} size={findingsPerPage} total={total} onPage={onPage} />
    </>
  );
}

function useColumns(): Column<Finding>[] {
  const { t } = useLingui();
  return [
    {
      key: "id",
      title: t`Vulnerability`,
      names: true,
      cell: (row) => (
        <Link to="/security/cve/$cve" params={{ cve: row.cve_id ?? "" }}>
          {row.cve_id}
        </Link>
      ),
    },
    { key: "severity", title: t`Severity`, cell: (row) => <Severity of={row.severity} /> },
    {
      key: "score",
      title: t`Score`,
      number: true,
      cell: (row) => <Score of={row.cvss_v3_score} />,
    },
    {
      key: "package",
      title: t`Package`,
      cell: (row) => (
        <span className={classes.package}>
          {row.package} {row.version}
        </span>
      ),
    },
    { key: "fix", title: t`Fix`, cell: (row) => <Fix finding={row} /> },
    {
      key: "where",
      title: t`Artifact`,
      cell: (row) => (
        <ArtifactLink
          name={row.repository_name ?? ""}
          digest={row.digest ?? ""}
          tags={row.tags ?? []}
        />
      ),
    },
  ];
}

function Fix({ finding }: { finding: Finding }) {
  const words = useFixWords();
  if (finding.fixed_version) return <Trans>in {finding.fixed_version}</Trans>;
  return words[finding.status ?? ""] ?? finding.status ?? "–";
}
