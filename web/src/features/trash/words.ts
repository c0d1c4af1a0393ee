import { plural } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { shortDigest } from "../../ui/format";
import type { Deletion, Undone } from "./queries";

/** What a deletion took, in a few words. */
export function useDeletionName(): (deletion: Deletion) => string {
  const { t } = useLingui();
  return ({ kind, repository, tag, digest, artifacts }) => {
    const name = tag ? `${repository}:${tag}` : `${repository}@${shortDigest(digest)}`;
    if (kind === "tag") return t`Tag ${name}`;
    if (kind === "repository") return t`Repository ${repository}`;
    return artifacts > 1 ? t`${artifacts} artifacts of ${repository}` : t`Artifact ${name}`;
  };
}

/** What came back, and which tags stayed where they are by now. */
export function useUndoneWords(): (undone: Undone) => string {
  const { t } = useLingui();
  return ({ manifests, tags, tags_taken }) => {
    const back = t`Restored: ${plural(manifests, { one: "one artifact", other: "# artifacts with their parts" })}, ${plural(tags, { one: "one tag", other: "# tags" })}.`;
    if (tags_taken.length === 0) return back;
    const taken = tags_taken.slice(0, 5).join(", ");
    const more = tags_taken.length - 5;
    const stay =
      more > 0
        ? t`These tags name something else by now and stay there: ${taken} and ${more} more.`
        : t`These tags name something else by now and stay there: ${taken}.`;
    return `${back} ${stay}`;
  };
}
