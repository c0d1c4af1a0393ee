import { useLingui } from "@lingui/react/macro";
import { IconCheck, IconMinus } from "@tabler/icons-react";
import { Section } from "../../ui/Page";
import { roleName, roles } from "../projects/role";
import classes from "./members.module.css";

/** What each role may do, as the server decides it. */
export function RolesExplained() {
  const { t, i18n } = useLingui();
  const rights: [string, number[]][] = [
    [t`See the project and pull`, [1, 4, 2, 3, 5]],
    [t`See members and robots`, [1, 4, 2, 3]],
    [t`Push, add tags, put labels on artifacts`, [1, 4, 2]],
    [t`Change what is retained`, [1, 4, 2]],
    [t`Delete tags, artifacts and repositories, and restore them`, [1, 4]],
    [t`Scan, make labels, make rules about tags`, [1, 4]],
    [t`Change members, robots, webhooks and settings`, [1]],
    [t`Read the log, delete the project`, [1]],
  ];
  return (
    <Section title={t`What each role may do`}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls by keyboard too */}
      <section className={classes.scroll} tabIndex={0} aria-label={t`Roles and rights`}>
        <table className={classes.roles}>
          <thead>
            <tr>
              <th scope="col">{t`May`}</th>
              {roles.map((role) => {
                const name = roleName(role);
                return (
                  <th key={role} scope="col">
                    <span className={classes.heading}>{name && i18n._(name)}</span>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {rights.map(([right, who]) => (
              <tr key={right}>
                <th scope="row">{right}</th>
                {roles.map((role) => (
                  <td key={role}>
                    <YesNo yes={who.includes(role)} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Section>
  );
}

function YesNo({ yes }: { yes: boolean }) {
  const { t } = useLingui();
  return (
    <span className={`${classes.cell} ${yes ? classes.yes : classes.no}`}>
      {yes ? <IconCheck size={16} aria-hidden /> : <IconMinus size={16} aria-hidden />}
      <span className="visually-hidden">{yes ? t`yes` : t`no`}</span>
    </span>
  );
}
