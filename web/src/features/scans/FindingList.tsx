import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Checkbox } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import type { Schema } from "../../api/client";
import { type Column, DataTable } from "../../ui/DataTable";
import { SearchField } from "../../ui/SearchField";
import { type Rank, Severity, SeverityCounts, severities } from "../../ui/Severity";
import { Empty } from "../../ui/states";
import { Text } from "../../ui/Text";
import { When } from "../../ui/When";
import { FindingDetails } from "./FindingDetails";
import { countsOf, filtered, type Group, grouped } from "./groups";
import type { Report } from "./queries";
import classes from "./scans.module.css";

const route = getRouteApi("/p/$project/r/$");

interface Props {
  report: Report;
  overview: Schema["NativeReportSummary"] | undefined;
}

/** The findings of a report by package, as the filter in the address wants them. */
export function FindingList({ report, overview }: Props) {
  const { t } = useLingui();
  const { q = "", severity = "", fixable = false } = route.useSearch();
  const all = report.vulnerabilities;
  const ranks = severities.filter((rank) => severity.split(",").includes(rank));
  const shown = filtered(all, { q, ranks, fixable });
  return (
    <>
      <Standing report={report} overview={overview} />
      {all.length > 0 && <FilterBar report={report} q={q} ranks={ranks} fixable={fixable} />}
      {all.length === 0 && report.evaluated !== "not" && (
        <Empty title={t`Nothing is known to be wrong with it.`} />
      )}
      {all.length > 0 && shown.length === 0 && (
        <Empty title={t`No finding is as the filter says.`} />
      )}
      {shown.length > 0 && <Groups groups={grouped(shown)} />}
      {report.cut && (
        <p>
          <Trans>There are more findings than fit into a report.</Trans>
        </p>
      )}
    </>
  );
}

function Standing({ report, overview }: Props) {
  const { scanner, evaluated = "wholly" } = report;
  const reason = report.reason ?? "";
  // That nothing was found says little where not all was looked at.
  const telling = evaluated === "wholly" || report.vulnerabilities.length > 0;
  return (
    <div className={classes.standing}>
      {telling && <SeverityCounts counts={countsOf(report.vulnerabilities)} />}
      {telling && overview?.summary && (
        <span>
          <Trans>{overview.summary.fixable} with a fix</Trans>
        </span>
      )}
      <span>
        <Trans>
          By {scanner?.name} {scanner?.version} <When time={report.generated_at} />
        </Trans>
      </span>
      {report.database_updated_at && (
        <span>
          <Trans>
            Database of <When time={report.database_updated_at} />
          </Trans>
        </span>
      )}
      {evaluated !== "wholly" && (
        <p className={classes.notice}>
          <Trans>Not all of it could be judged:</Trans> <Text>{reason}</Text>
          {!reason.endsWith(".") && "."}
        </p>
      )}
    </div>
  );
}

interface BarProps {
  report: Report;
  q: string;
  ranks: Rank[];
  fixable: boolean;
}

function FilterBar({ report, q, ranks, fixable }: BarProps) {
  const { t } = useLingui();
  const navigate = route.useNavigate();
  const counts = countsOf(report.vulnerabilities);
  const change = (part: { q?: string; severity?: string; fixable?: boolean }) =>
    navigate({
      search: (before) => ({ ...before, ...part }),
      replace: true,
      resetScroll: false,
    });
  const toggle = (rank: Rank) => {
    const next = ranks.includes(rank) ? ranks.filter((each) => each !== rank) : [...ranks, rank];
    change({ severity: next.join(",") });
  };
  return (
    <div className={classes.filter}>
      <fieldset className={classes.ranks}>
        <legend className="visually-hidden">
          <Trans>Severity</Trans>
        </legend>
        {severities
          .filter((rank) => (counts[rank] ?? 0) > 0)
          .map((rank) => (
            <Checkbox
              key={rank}
              label={<Severity of={rank} />}
              checked={ranks.includes(rank)}
              onChange={() => toggle(rank)}
            />
          ))}
      </fieldset>
      <Checkbox
        label={t`With a fix`}
        checked={fixable}
        onChange={(event) => change({ fixable: event.currentTarget.checked })}
      />
      <SearchField label={t`Find a finding`} value={q} onSearch={(text) => change({ q: text })} />
    </div>
  );
}

function Groups({ groups }: { groups: Group[] }) {
  const { t } = useLingui();
  const few = groups.length <= 3;
  const [turned, setTurned] = useState<ReadonlySet<string>>(new Set());
  const isOpen = (group: Group) => turned.has(group.key) !== few;
  const toggle = (group: Group) => {
    const next = new Set(turned);
    if (!next.delete(group.key)) next.add(group.key);
    setTurned(next);
  };
  const columns: Column<Group>[] = useMemo(
    () => [
      {
        key: "package",
        title: t`Package`,
        names: true,
        cell: (group) => <Text most={120}>{group.name}</Text>,
      },
      {
        key: "version",
        title: t`Version`,
        cell: (group) => <Text most={80}>{group.version}</Text>,
      },
      {
        key: "findings",
        title: t`Findings`,
        cell: (group) => <SeverityCounts counts={group.counts} />,
      },
      {
        key: "fix",
        title: t`Fixed in`,
        cell: (group) => <Text most={120}>{group.fixes.join(", ") || "–"}</Text>,
      },
    ],
    [t],
  );
  const opener: Column<Group> = {
    key: "open",
    title: t`Details`,
    number: true,
    width: "72px",
    cell: (group) => {
      const Sign = isOpen(group) ? IconChevronDown : IconChevronRight;
      return (
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-expanded={isOpen(group)}
          aria-label={t`Findings of ${group.name}`}
          onClick={() => toggle(group)}
        >
          <Sign size={16} aria-hidden />
        </ActionIcon>
      );
    },
  };
  return (
    <DataTable
      caption={t`Findings by package`}
      columns={[...columns, opener]}
      rows={groups}
      rowKey={(group) => group.key}
      onOpen={toggle}
      below={(group) => isOpen(group) && <FindingDetails findings={group.findings} />}
    />
  );
}
