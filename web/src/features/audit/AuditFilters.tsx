import type { MessageDescriptor } from "@lingui/core";
import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { SearchField } from "../../ui/SearchField";
import classes from "./audit.module.css";
import type { AuditFilter } from "./filter";
import { operations, resourceTypes, useWord } from "./words";

interface Props {
  filter: AuditFilter;
  onChange: (part: Partial<AuditFilter>) => void;
  onClear: () => void;
}

/** Which rows are shown: who, what, to what, how it ended, when. */
export function AuditFilters({ filter, onChange, onClear }: Props) {
  const { t } = useLingui();
  const set = Object.values(filter).some((value) => value !== "");
  return (
    <>
      <div className={classes.filters}>
        <SearchField label={t`User`} value={filter.user} onSearch={(user) => onChange({ user })} />
        <SearchField
          label={t`Resource`}
          value={filter.resource}
          onSearch={(resource) => onChange({ resource })}
        />
        <Words
          label={t`Operation`}
          all={t`Any operation`}
          words={operations}
          value={filter.operation}
          onChoose={(operation) => onChange({ operation })}
        />
        <Words
          label={t`Type of resource`}
          all={t`Any type`}
          words={resourceTypes}
          value={filter.type}
          onChoose={(type) => onChange({ type })}
        />
        <NativeSelect
          aria-label={t`Result`}
          data={[
            { value: "", label: t`Any result` },
            { value: "true", label: t`Done` },
            { value: "false", label: t`Refused or failed` },
          ]}
          value={filter.result}
          onChange={(event) => onChange({ result: event.currentTarget.value })}
        />
      </div>
      <div className={classes.times}>
        <TextInput
          type="datetime-local"
          label={t`From`}
          value={filter.from}
          onChange={(event) => onChange({ from: event.currentTarget.value })}
        />
        <TextInput
          type="datetime-local"
          label={t`Until`}
          value={filter.to}
          onChange={(event) => onChange({ to: event.currentTarget.value })}
        />
        {set && (
          <Button variant="subtle" onClick={onClear}>
            <Trans>Clear filters</Trans>
          </Button>
        )}
      </div>
    </>
  );
}

interface WordsProps {
  label: string;
  all: string;
  words: Record<string, MessageDescriptor>;
  value: string;
  onChoose: (word: string) => void;
}

function Words({ label, all, words, value, onChoose }: WordsProps) {
  const word = useWord();
  const known = Object.keys(words);
  const offered = value && !known.includes(value) ? [value, ...known] : known;
  return (
    <NativeSelect
      aria-label={label}
      data={[
        { value: "", label: all },
        ...offered.map((each) => ({ value: each, label: word(each, words) })),
      ]}
      value={value}
      onChange={(event) => onChoose(event.currentTarget.value)}
    />
  );
}
