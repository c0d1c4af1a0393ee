import { useLingui } from "@lingui/react/macro";
import { Checkbox } from "@mantine/core";
import classes from "./Matrix.module.css";
import { type Permission, type ResourceRow, rowsOf } from "./rights";
import { actionWords, resourceWords } from "./words";

interface Props {
  offered: Permission[];
  chosen: ReadonlySet<string>;
  onChange: (chosen: Set<string>) => void;
  disabled?: boolean;
}

/** What may be done with what: a row for each resource, a box for each action. */
export function Matrix({ offered, chosen, onChange, disabled = false }: Props) {
  return (
    <div className={classes.matrix}>
      {rowsOf(offered).map((row) => (
        <Row key={row.resource} {...row} chosen={chosen} onChange={onChange} disabled={disabled} />
      ))}
    </div>
  );
}

function Row({
  resource,
  actions,
  chosen,
  onChange,
  disabled,
}: ResourceRow & Omit<Props, "offered">) {
  const { i18n } = useLingui();
  const named = (words: typeof actionWords, key: string) => {
    const word = words[key];
    return word ? i18n._(word) : key;
  };
  const rights = actions.map((action) => `${resource} ${action}`);
  const count = rights.filter((right) => chosen.has(right)).length;
  const all = count === rights.length;

  function toggle(right: string) {
    const next = new Set(chosen);
    if (!next.delete(right)) next.add(right);
    onChange(next);
  }

  function toggleAll() {
    const next = new Set([...chosen].filter((right) => !rights.includes(right)));
    if (!all) for (const right of rights) next.add(right);
    onChange(next);
  }

  const title = named(resourceWords, resource);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset can't be a row of a grid
    <div role="group" aria-label={title} className={classes.row}>
      <Checkbox
        className={classes.resource ?? ""}
        label={title}
        checked={all}
        indeterminate={count > 0 && !all}
        disabled={disabled}
        onChange={toggleAll}
      />
      <div className={classes.actions}>
        {actions.map((action) => (
          <Checkbox
            key={action}
            size="xs"
            label={named(actionWords, action)}
            aria-label={`${title}: ${named(actionWords, action)}`}
            checked={chosen.has(`${resource} ${action}`)}
            disabled={disabled}
            onChange={() => toggle(`${resource} ${action}`)}
          />
        ))}
      </div>
    </div>
  );
}
