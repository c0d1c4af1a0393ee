import type { Schema } from "../../api/client";

export type Rule = Schema["RetentionRule"];
export type Selector = Schema["RetentionSelector"];

/** The templates, and what number each takes. Those that aren't offered work all the same. */
export const templates = {
  latestPushedK: "count",
  latestPulledN: "count",
  nDaysSinceLastPush: "days",
  nDaysSinceLastPull: "days",
  always: "none",
  latestActiveK: "count",
  lastXDays: "days",
  nothing: "none",
} as const;

export type Template = keyof typeof templates;

export function templateOf(rule: Rule): Template {
  return rule.template && rule.template in templates ? (rule.template as Template) : "always";
}

/** What the server takes where no number is given. */
function usual(template: Template): number {
  return templates[template] === "days" && template !== "lastXDays" ? 30 : 10;
}

export function numberOf(rule: Rule): number {
  const template = templateOf(rule);
  const given = rule.params?.[template];
  return typeof given === "number" ? given : usual(template);
}

export function withTemplate(rule: Rule, template: Template, number = usual(template)): Rule {
  const params = templates[template] === "none" ? {} : { [template]: number };
  return { ...rule, template, params };
}

export const mostNumber = 32_766;

export function isNumber(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0 && number <= mostNumber;
}

export function repositoriesOf(rule: Rule): Selector[] {
  return rule.scope_selectors?.repository ?? [];
}

export function tagsOf(rule: Rule): Selector[] {
  return rule.tag_selectors ?? [];
}

export function isExcluding(selector: Selector | undefined): boolean {
  return selector?.decoration === "excludes" || selector?.decoration === "repoExcludes";
}

/** Whether the pattern stands for every name. */
export function isAll(selector: Selector): boolean {
  return !isExcluding(selector) && ["", "**"].includes(selector.pattern ?? "");
}

/** Whether a selector of tags chooses what has no tag: without a word it does. */
export function choosesUntagged(selector: Selector | undefined): boolean {
  let said: unknown;
  try {
    said = (JSON.parse(selector?.extras || "{}") as { untagged?: unknown }).untagged;
  } catch {
    said = undefined;
  }
  return typeof said === "boolean" ? said !== isExcluding(selector) : true;
}

function extrasFor(untagged: boolean, excluding: boolean): string {
  return JSON.stringify({ untagged: untagged !== excluding });
}

export interface TagChoice {
  excluding: boolean;
  pattern: string;
  untagged: boolean;
}

/** The rule with another first selector of tags; others that it has stay. */
export function withTags(rule: Rule, { excluding, pattern, untagged }: TagChoice): Rule {
  const first: Selector = {
    kind: "doublestar",
    decoration: excluding ? "excludes" : "matches",
    pattern,
    extras: extrasFor(untagged, excluding),
  };
  return { ...rule, tag_selectors: [first, ...tagsOf(rule).slice(1)] };
}

export function tagChoice(rule: Rule): TagChoice {
  const first = tagsOf(rule)[0];
  return {
    excluding: isExcluding(first),
    pattern: first?.pattern ?? "",
    untagged: choosesUntagged(first),
  };
}

/** The rule with another first selector of repositories; others that it has stay. */
export function withRepositories(rule: Rule, excluding: boolean, pattern: string): Rule {
  const first: Selector = {
    kind: "doublestar",
    decoration: excluding ? "repoExcludes" : "repoMatches",
    pattern,
  };
  return {
    ...rule,
    scope_selectors: {
      ...rule.scope_selectors,
      repository: [first, ...repositoriesOf(rule).slice(1)],
    },
  };
}

/** A rule to begin with: the ten pushed last of every repository. */
export function newRule(): Rule {
  const blank: Rule = { action: "retain", disabled: false, priority: 0 };
  const tags = { excluding: false, pattern: "**", untagged: true };
  return withTags(withRepositories(withTemplate(blank, "latestPushedK"), false, "**"), tags);
}

/** Whether two lists of rules say the same. */
export function sameRules(some: Rule[], others: Rule[]): boolean {
  const said = (rules: Rule[]) =>
    JSON.stringify(
      rules.map((rule) => [
        rule.disabled ?? false,
        rule.template,
        templates[templateOf(rule)] === "none" ? 0 : numberOf(rule),
        repositoriesOf(rule).map((each) => [isExcluding(each), each.pattern ?? ""]),
        tagsOf(rule).map((each) => [isExcluding(each), each.pattern ?? "", choosesUntagged(each)]),
      ]),
    );
  return said(some) === said(others);
}
