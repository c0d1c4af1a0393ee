import type { Rule } from "../retention/rule";
import type { TagRule } from "./queries";

/** What rules forbid: neither to move nor to delete a tag, one of both, or both to everybody until a day. */
export const kinds = ["both", "no_move", "no_delete", "hold"] as const;

export type Kind = (typeof kinds)[number];

export function kindOf({ hold_until, no_move, no_delete }: TagRule): Kind {
  if (hold_until || (!no_move && !no_delete)) return "hold"; // one that has ended forbids nothing
  if (no_move && no_delete) return "both";
  return no_move ? "no_move" : "no_delete";
}

export function withKind(rule: TagRule, kind: Kind, until: string | null): TagRule {
  // A new hold forbids nothing once it has ended, unless somebody says so.
  const after = rule.id ? {} : { no_move: false, no_delete: false };
  if (kind === "hold") return { ...rule, ...after, hold_until: until };
  const { hold_until: _, ...rest } = rule;
  return { ...rest, no_move: kind !== "no_delete", no_delete: kind !== "no_move" };
}

export function newRule(): TagRule {
  return { repositories: "**", tags: "", no_move: true, no_delete: true, disabled: false };
}

/** Whether a hold goes on: then its rule can only be made to hold longer. */
export function holds({ hold_until }: TagRule, now: Date): boolean {
  return !!hold_until && new Date(hold_until) > now;
}

/** The end of a day, in UTC, as an API's time; "" for what is no day. */
export function endOfDay(day: string): string {
  const time = new Date(`${day}T23:59:59Z`);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString().replace(".000", "");
}

export function dayOf(time: string | null | undefined): string {
  return time?.slice(0, 10) ?? "";
}

/**
 * What a rule chooses, asked as a rule of retention that keeps just that: the server, which alone knows
 * how patterns are meant, then tells which artifacts it keeps.
 */
export function asQuestion(rule: TagRule): Rule {
  return {
    action: "retain",
    template: "always",
    params: {},
    tag_selectors: [
      {
        kind: "doublestar",
        decoration: rule.except_tags ? "excludes" : "matches",
        pattern: rule.tags,
        extras: JSON.stringify({ untagged: rule.except_tags ?? false }),
      },
    ],
    scope_selectors: {
      repository: [
        {
          kind: "doublestar",
          decoration: rule.except_repositories ? "repoExcludes" : "repoMatches",
          pattern: rule.repositories,
        },
      ],
    },
  };
}
