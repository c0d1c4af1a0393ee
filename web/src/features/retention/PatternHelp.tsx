import { Trans } from "@lingui/react/macro";
import classes from "./retention.module.css";

/** How patterns are written. */
export function PatternHelp() {
  return (
    <details className={classes.help}>
      <summary>
        <Trans>How patterns are written</Trans>
      </summary>
      <dl className={classes.notations}>
        <dt>**</dt>
        <dd>
          <Trans>all names</Trans>
        </dd>
        <dt>v1.*</dt>
        <dd>
          <Trans>what begins with v1. (an asterisk stands for anything but a slash)</Trans>
        </dd>
        <dt>team/**</dt>
        <dd>
          <Trans>everything below team/</Trans>
        </dd>
        <dt>{"{main,dev}"}</dt>
        <dd>
          <Trans>one of these names</Trans>
        </dd>
        <dt>regex:v[0-9]+</dt>
        <dd>
          <Trans>a regular expression, for the whole name</Trans>
        </dd>
        <dt>{"semver:>=1.2"}</dt>
        <dd>
          <Trans>versions in a range</Trans>
        </dd>
      </dl>
      <p>
        <Trans>Names of repositories are written without the project.</Trans>
      </p>
    </details>
  );
}
