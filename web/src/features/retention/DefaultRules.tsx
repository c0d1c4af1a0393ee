import { Trans } from "@lingui/react/macro";
import { RuleWords } from "./RuleCard";
import classes from "./retention.module.css";
import type { Rule } from "./rule";

/** The rules that hold by the registry's default policy, to be read only. */
export function DefaultRules({ rules, from }: { rules: Rule[]; from: number }) {
  if (rules.length === 0) return null;
  return (
    <div>
      <p className={classes.subhead}>
        <Trans>By the registry's default policy</Trans>
      </p>
      <ol className={classes.rules} start={from}>
        {rules.map((rule, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a rule is its place
          <li key={place} className={classes.card}>
            <RuleWords rule={rule} />
          </li>
        ))}
      </ol>
    </div>
  );
}
