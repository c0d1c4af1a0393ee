import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Choice } from "../../ui/Filters";
import { SearchField } from "../../ui/SearchField";
import { severities } from "../../ui/Severity";
import type { FindingFilter } from "./filter";
import classes from "./security.module.css";
import { useFixWords, useSeverityWords } from "./words";

interface Props {
  filter: FindingFilter;
  onChange: (part: Partial<FindingFilter>) => void;
  onClear: () => void;
}

/** What is looked for among the findings. */
export function FindingFilters({ filter, onChange, onClear }: Props) {
  const { t } = useLingui();
  const fixes = useFixWords();
  const severityWords = useSeverityWords();
  const set = Object.values(filter).some((value) => value !== "");
  return (
    <div className={classes.filters}>
      <SearchField
        label={t`Vulnerability`}
        value={filter.cve}
        onSearch={(cve) => onChange({ cve })}
      />
      <SearchField
        label={t`Package`}
        value={filter.package}
        onSearch={(name) => onChange({ package: name })}
      />
      <SearchField
        label={t`Repository`}
        value={filter.repository}
        onSearch={(repository) => onChange({ repository })}
      />
      <SearchField label={t`Tag`} value={filter.tag} onSearch={(tag) => onChange({ tag })} />
      <Choice
        label={t`Severity`}
        all={t`Any severity`}
        value={filter.severity}
        choices={severities.map((value) => ({ value, label: severityWords[value] }))}
        onChoose={(severity) => onChange({ severity })}
      />
      <Choice
        label={t`Score`}
        all={t`Any score`}
        value={filter.score}
        choices={["9", "7", "4"].map((value) => ({ value, label: t`${value} or more` }))}
        onChoose={(score) => onChange({ score })}
      />
      <Choice
        label={t`Fix`}
        all={t`Fix or not`}
        value={filter.fix}
        choices={Object.entries(fixes).map(([value, label]) => ({ value, label }))}
        onChoose={(fix) => onChange({ fix })}
      />
      {set && (
        <Button variant="subtle" onClick={onClear}>
          <Trans>Clear filters</Trans>
        </Button>
      )}
    </div>
  );
}
