import { useLingui } from "@lingui/react/macro";
import {
  choosesUntagged,
  isAll,
  isExcluding,
  numberOf,
  type Rule,
  repositoriesOf,
  tagsOf,
  templateOf,
} from "./rule";

/** What a rule keeps, in a few words. */
export function useRuleTitle(): (rule: Rule) => string {
  const { t } = useLingui();
  return (rule) => {
    const number = numberOf(rule);
    return {
      latestPushedK: t`Keep the ${number} pushed last`,
      latestPulledN: t`Keep the ${number} pulled last`,
      latestActiveK: t`Keep the ${number} pushed or pulled last`,
      nDaysSinceLastPush: t`Keep what was pushed in the last ${number} days`,
      lastXDays: t`Keep what was pushed in the last ${number} days`,
      nDaysSinceLastPull: t`Keep what was pulled in the last ${number} days`,
      always: t`Keep everything`,
      nothing: t`Keep nothing`,
    }[templateOf(rule)];
  };
}

/** Of what a rule keeps that: which repositories, which tags, and whether what has none. */
export function useRuleFacts(): (rule: Rule) => string[] {
  const { t } = useLingui();
  return (rule) => {
    const tags = tagsOf(rule);
    const words = [
      ...repositoriesOf(rule).map((each) => {
        const pattern = each.pattern ?? "";
        if (isAll(each)) return t`all repositories`;
        return isExcluding(each)
          ? t`repositories other than ${pattern}`
          : t`repositories ${pattern}`;
      }),
      ...tags.map((each) => {
        const pattern = each.pattern ?? "";
        if (isAll(each)) return t`all tags`;
        return isExcluding(each) ? t`tags other than ${pattern}` : t`tags ${pattern}`;
      }),
    ];
    return [
      ...words,
      tags.every(choosesUntagged) ? t`also what has no tag` : t`nothing without a tag`,
    ];
  };
}
