import { useLingui } from "@lingui/react/macro";
import type { TagRule } from "./queries";
import { type Kind, kindOf } from "./rule";

/** What each kind of rule forbids, in a few words and in a sentence. */
export function useKindWords(): Record<Kind, { title: string; what: string }> {
  const { t } = useLingui();
  return {
    both: {
      title: t`Neither move nor delete`,
      what: t`A tag that is there stays on its artifact, and can't be deleted. Harbor calls it immutable.`,
    },
    no_move: {
      title: t`Don't move`,
      what: t`A push or copy of another artifact under the tag is refused. The tag can be deleted.`,
    },
    no_delete: {
      title: t`Don't delete`,
      what: t`The tag and its artifact stay. A push can move the tag to another artifact.`,
    },
    hold: {
      title: t`Legal hold`,
      what: t`Until a day nobody moves or deletes, administrators neither. Only two system administrators together can end it before.`,
    },
  };
}

/** The tags that a rule is about, in words. */
export function useAbout(): (rule: TagRule) => string {
  const { t } = useLingui();
  return ({ repositories, except_repositories, tags, except_tags }) => {
    const named = tags || "**";
    const places = repositories || "**";
    const which = except_tags
      ? t`tags other than ${named}`
      : named === "**"
        ? t`all tags`
        : t`tags ${named}`;
    const where = except_repositories
      ? t`repositories other than ${places}`
      : places === "**"
        ? t`all repositories`
        : t`repositories ${places}`;
    return `${which} · ${where}`;
  };
}

export function useRuleName(): (rule: TagRule) => string {
  const kinds = useKindWords();
  const about = useAbout();
  return (rule) => `${kinds[kindOf(rule)].title}: ${about(rule)}`;
}
