import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Section } from "../../ui/Page";
import { FindingFilters } from "./FindingFilters";
import { FindingList } from "./FindingList";
import type { FindingFilter } from "./filter";
import classes from "./security.module.css";

const route = getRouteApi("/security");

/** All findings of the registry, by what is looked for. */
export function Findings() {
  const { t } = useLingui();
  const search = route.useSearch();
  const { cve = "", package: pack = "", repository = "", tag = "" } = search;
  const { severity = "", score = "", fix = "", page = 1 } = search;
  const filter: FindingFilter = { cve, package: pack, repository, tag, severity, score, fix };
  const navigate = route.useNavigate();
  return (
    <Section title={t`All findings`}>
      <FindingFilters
        filter={filter}
        onChange={(part) =>
          navigate({ search: (before) => ({ ...before, ...part, page: 1 }), replace: true })
        }
        onClear={() => navigate({ search: { tab: "findings" } })}
      />
      <p className={classes.help}>
        <Trans>
          Vulnerabilities, packages, repositories and tags are looked for as a whole; the highest
          score comes first.
        </Trans>
      </p>
      <FindingList
        filter={filter}
        page={page}
        onPage={(next) => navigate({ search: (before) => ({ ...before, page: next }) })}
      />
    </Section>
  );
}
