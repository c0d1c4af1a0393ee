import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Section } from "../../ui/Page";
import { SearchField } from "../../ui/SearchField";
import { SeverityCounts } from "../../ui/Severity";
import { Empty, Failed, Loading } from "../../ui/states";
import type { PlaceProps } from "../artifacts/place";
import { compared, countsOf } from "./groups";
import { type Report, useReport, type Vulnerability } from "./queries";
import { ShortFindings } from "./ShortFindings";

const route = getRouteApi("/p/$project/r/$");

/** What another tag of the repository has that this artifact hasn't, and the other way round. */
export function Compare({ project, repository, report }: PlaceProps & { report: Report }) {
  const { t } = useLingui();
  const { against = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const other = useReport({ project, repository }, against);
  return (
    <Section
      title={t`Compared with another tag`}
      actions={
        <SearchField
          label={t`Tag or digest`}
          value={against}
          onSearch={(text) =>
            navigate({
              search: (before) => ({ ...before, against: text.trim() }),
              replace: true,
              resetScroll: false,
            })
          }
        />
      }
    >
      {against === "" && (
        <p>
          <Trans>Name another tag to see which findings went and which came.</Trans>
        </p>
      )}
      {other.isEnabled && other.isPending && <Loading rows={2} />}
      {other.isError && (
        <Failed what={t`The report of ${against} can't be shown.`} error={other.error} />
      )}
      {other.data === null && <Empty title={t`There is no report of ${against}.`} />}
      {other.data && (
        <Difference
          here={report.vulnerabilities}
          there={other.data.vulnerabilities}
          against={against}
        />
      )}
    </Section>
  );
}

interface DifferenceProps {
  here: Vulnerability[];
  there: Vulnerability[];
  against: string;
}

function Difference({ here, there, against }: DifferenceProps) {
  const { t } = useLingui();
  const { onlyHere, onlyThere, both } = compared(here, there);
  return (
    <>
      <Part title={t`Only here`} findings={onlyHere} />
      <Part title={t`Only in ${against}`} findings={onlyThere} />
      <p>
        <Trans>{both} findings are in both.</Trans>
      </p>
    </>
  );
}

function Part({ title, findings }: { title: string; findings: Vulnerability[] }) {
  return (
    <div>
      <h3>{title}</h3>
      <SeverityCounts counts={countsOf(findings)} />
      <ShortFindings
        findings={findings.map((each) => ({
          id: each.id,
          package: each.package,
          version: each.version,
          fix: each.fix_version,
          severity: each.severity,
        }))}
      />
    </div>
  );
}
