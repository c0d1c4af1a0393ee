import { useLingui } from "@lingui/react/macro";
import { Checkbox } from "@mantine/core";
import { actionNames, keyOf, matrixOf, type Right, resourceNames } from "./rights";
import classes from "./robots.module.css";

interface Props {
  /** What can be given. */
  grantable: Right[];
  rights: Right[];
  onChange: (rights: Right[]) => void;
}

/** Which actions on which resources: a table of what can be ticked. */
export function PermissionMatrix({ grantable, rights, onChange }: Props) {
  const { t, i18n } = useLingui();
  const { resources, actions } = matrixOf(grantable);
  const possible = new Set(grantable.map(keyOf));
  const given = new Set(rights.map(keyOf));
  const nameOf = (resource: string) => {
    const name = resourceNames[resource];
    return name ? i18n._(name) : resource;
  };
  const actionOf = (action: string) => {
    const name = actionNames[action];
    return name ? i18n._(name) : action;
  };

  function toggle(right: Right) {
    const without = rights.filter((each) => keyOf(each) !== keyOf(right));
    onChange(without.length < rights.length ? without : [...rights, right]);
  }

  function toggleRow(resource: string) {
    const others = rights.filter((right) => right.resource !== resource);
    const row = grantable.filter((right) => right.resource === resource);
    const all = row.every((right) => given.has(keyOf(right)));
    onChange(all ? others : [...others, ...row]);
  }

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long table scrolls by keyboard too
    <section className={classes.box} tabIndex={0} aria-label={t`Permissions`}>
      <table className={classes.matrix}>
        <thead>
          <tr>
            <th scope="col">{t`Resource`}</th>
            <th scope="col">{t`all`}</th>
            {actions.map((action) => (
              <th key={action} scope="col">
                {actionOf(action)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {resources.map((resource) => (
            <tr key={resource}>
              <th scope="row">{nameOf(resource)}</th>
              <td>
                <WholeRow
                  label={t`${nameOf(resource)}: all`}
                  row={grantable.filter((right) => right.resource === resource)}
                  given={given}
                  onChange={() => toggleRow(resource)}
                />
                <span className={classes.word} aria-hidden>{t`all`}</span>
              </td>
              {actions.map((action) =>
                possible.has(keyOf({ resource, action })) ? (
                  <td key={action}>
                    <Checkbox
                      aria-label={`${nameOf(resource)}: ${actionOf(action)}`}
                      checked={given.has(keyOf({ resource, action }))}
                      onChange={() => toggle({ resource, action })}
                    />
                    <span className={classes.word} aria-hidden>
                      {actionOf(action)}
                    </span>
                  </td>
                ) : (
                  <td key={action} className={classes.none} />
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface RowProps {
  label: string;
  row: Right[];
  given: Set<string>;
  onChange: () => void;
}

function WholeRow({ label, row, given, onChange }: RowProps) {
  const count = row.filter((right) => given.has(keyOf(right))).length;
  return (
    <Checkbox
      aria-label={label}
      checked={count === row.length}
      indeterminate={count > 0 && count < row.length}
      onChange={onChange}
    />
  );
}
