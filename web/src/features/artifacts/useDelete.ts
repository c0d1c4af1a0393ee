import { plural } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import { formatBytes } from "../../ui/format";
import { useNotices } from "../../ui/Notices";
import { usePreferences } from "../preferences/preferences";
import type { Doomed, Outcome } from "./deletions";
import { useChanged, useDeletion } from "./mutations";
import type { PlaceProps } from "./place";

/** Deletes tags or artifacts at once, says what came of it, and offers to take it back. */
export function useDelete(place: PlaceProps) {
  const { t } = useLingui();
  const { language } = usePreferences();
  const { say } = useNotices();
  const deletion = useDeletion(place);
  const changed = useChanged();

  function told(doomed: Doomed[], outcome: Outcome) {
    const { done, bytes, failures } = outcome;
    const [first] = doomed;
    const tags = first?.tag !== undefined;
    const what = tags
      ? done === 1 && doomed.length === 1
        ? t`Tag ${first.tag ?? ""} deleted.`
        : t`${plural(done, { one: "# tag deleted.", other: "# tags deleted." })}`
      : t`${plural(done, { one: "# artifact deleted.", other: "# artifacts deleted." })}`;
    const size = formatBytes(bytes, language);
    const freed = bytes > 0 ? t`${size} come back to the quota.` : "";
    const failed = failures[0]
      ? t`${plural(failures.length, { one: "# was not", other: "# were not" })}: ${failures[0].message}`
      : "";
    return [what, freed, failed].filter(Boolean).join(" ");
  }

  function remove(doomed: Doomed[], done?: () => unknown) {
    deletion.mutate(doomed, {
      onSuccess: async (outcome) => {
        say(told(doomed, outcome), outcome.undo);
        await done?.();
        await changed(doomed.filter(({ tag }) => tag === undefined).map(({ digest }) => digest));
      },
      onError: () => changed(),
    });
  }

  return { remove, isPending: deletion.isPending, error: deletion.error };
}
