import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Button, NativeSelect, TextInput } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import type { DraftFilter, FilterKind } from "./draft";
import type { PartProps } from "./PolicyForm";
import classes from "./replication.module.css";

/** Which images a policy is about: those that all filters let through. */
export function FilterFields({ draft, change }: PartProps) {
  const { filters } = draft;
  const put = (next: DraftFilter) =>
    change({ filters: filters.map((each) => (each.key === next.key ? next : each)) });

  function add() {
    const key = Math.max(-1, ...filters.map((each) => each.key)) + 1;
    change({ filters: [...filters, { key, kind: "tag", value: "", excludes: false }] });
  }

  return (
    <fieldset className={classes.fieldset}>
      <legend>
        <Trans>Which images</Trans>
      </legend>
      <p className={classes.help}>
        <Trans>
          All filters must let an image through; without any all images go. Patterns:{" "}
          <code>team/**</code>, <code>1.*</code>, <code>regex:…</code>,{" "}
          <code>{"semver:>=1.4 <2"}</code>
        </Trans>
      </p>
      {filters.map((filter, index) => (
        <FilterRow
          key={filter.key}
          number={index + 1}
          filter={filter}
          onChange={put}
          onRemove={() => change({ filters: filters.filter((each) => each.key !== filter.key) })}
        />
      ))}
      <div>
        <Button size="xs" variant="default" onClick={add}>
          <Trans>Add filter</Trans>
        </Button>
      </div>
    </fieldset>
  );
}

interface RowProps {
  number: number;
  filter: DraftFilter;
  onChange: (filter: DraftFilter) => void;
  onRemove: () => void;
}

function FilterRow({ number, filter, onChange, onRemove }: RowProps) {
  const { t } = useLingui();
  const { kind, value, excludes } = filter;
  const kinds: { value: FilterKind; label: string }[] = [
    { value: "name", label: t`Name` },
    { value: "tag", label: t`Tag` },
    { value: "label", label: t`Labels` },
    { value: "resource", label: t`Type` },
  ];
  return (
    <div className={classes.filter}>
      <NativeSelect
        aria-label={t`What filter ${number} looks at`}
        data={kinds}
        value={kind}
        onChange={(event) => {
          const next = event.currentTarget.value as FilterKind;
          onChange({ ...filter, kind: next, value: next === "resource" ? "image" : "" });
        }}
      />
      <NativeSelect
        aria-label={t`Whether filter ${number} matches or excludes`}
        disabled={kind === "resource"}
        data={[
          { value: "matches", label: t`matches` },
          { value: "excludes", label: t`excludes` },
        ]}
        value={excludes ? "excludes" : "matches"}
        onChange={(event) =>
          onChange({ ...filter, excludes: event.currentTarget.value === "excludes" })
        }
      />
      {kind === "resource" ? (
        <NativeSelect
          aria-label={t`Value of filter ${number}`}
          data={[
            { value: "image", label: t`images` },
            { value: "artifact", label: t`everything` },
          ]}
          value={value}
          onChange={(event) => onChange({ ...filter, value: event.currentTarget.value })}
        />
      ) : (
        <TextInput
          aria-label={t`Value of filter ${number}`}
          placeholder={kind === "name" ? "team/**" : kind === "tag" ? "1.*" : t`good, tested`}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={value}
          onChange={(event) => onChange({ ...filter, value: event.currentTarget.value })}
        />
      )}
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={t`Remove filter ${number}`}
        onClick={onRemove}
      >
        <IconTrash size={16} aria-hidden />
      </ActionIcon>
    </div>
  );
}
