import type { MessageDescriptor } from "@lingui/core";
import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect, TextInput } from "@mantine/core";
import type { LogSearch } from "../../routes/people";
import { SearchField } from "../../ui/SearchField";
import classes from "./logs.module.css";
import { operations, types } from "./words";

interface Props {
  search: LogSearch;
  onChange: (search: LogSearch) => void;
}

/** What the log is narrowed to. */
export function LogFilters({ search, onChange }: Props) {
  const { t, i18n } = useLingui();
  const set = (key: keyof LogSearch, value: string) => {
    const { page: _, [key]: __, ...rest } = search;
    onChange({ ...rest, ...(value && { [key]: value }) });
  };
  const choices = (all: string, names: Record<string, MessageDescriptor>) => [
    { value: "", label: all },
    ...Object.entries(names).map(([value, name]) => ({ value, label: i18n._(name) })),
  ];
  const { page: _, ...narrowed } = search;
  return (
    <div className={classes.filters}>
      <NativeSelect
        label={t`Operation`}
        data={choices(t`All`, operations)}
        value={search.operation ?? ""}
        onChange={(event) => set("operation", event.currentTarget.value)}
      />
      <NativeSelect
        label={t`Of what`}
        data={choices(t`All`, types)}
        value={search.type ?? ""}
        onChange={(event) => set("type", event.currentTarget.value)}
      />
      <SearchField
        label={t`User`}
        value={search.user ?? ""}
        onSearch={(text) => set("user", text)}
      />
      <SearchField
        label={t`Resource`}
        value={search.resource ?? ""}
        onSearch={(text) => set("resource", text)}
      />
      <TextInput
        type="date"
        label={t`From (UTC)`}
        value={search.from ?? ""}
        onChange={(event) => set("from", event.currentTarget.value)}
      />
      <TextInput
        type="date"
        label={t`To (UTC)`}
        value={search.to ?? ""}
        onChange={(event) => set("to", event.currentTarget.value)}
      />
      {Object.keys(narrowed).length > 0 && (
        <Button variant="subtle" onClick={() => onChange({})}>
          <Trans>Clear filter</Trans>
        </Button>
      )}
    </div>
  );
}
