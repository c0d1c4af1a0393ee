import { Trans, useLingui } from "@lingui/react/macro";
import { IconBox, IconStack2, IconTag } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { linkTo } from "../../ui/destination";
import { Section } from "../../ui/Page";
import { recents } from "../search/recent";
import classes from "./home.module.css";

const signs = { project: IconStack2, repository: IconBox, artifact: IconTag };
const shown = 6;

/** What one looked at last in this browser. */
export function Recents({ user }: { user: string }) {
  const { t } = useLingui();
  const last = recents(user).slice(0, shown);
  return (
    <Section title={t`Recent`}>
      {last.length === 0 && (
        <p>
          <Trans>Projects, repositories and tags that you look at come here.</Trans>
        </p>
      )}
      {last.length > 0 && (
        <ul className={classes.recents}>
          {last.map(({ kind, title, place }) => {
            const Sign = signs[kind] ?? IconBox;
            return (
              <li key={title}>
                <Sign size={16} aria-hidden />
                <Link {...linkTo(place)}>{title}</Link>
              </li>
            );
          })}
        </ul>
      )}
    </Section>
  );
}
