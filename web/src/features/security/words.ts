import { useLingui } from "@lingui/react/macro";
import type { Rank } from "../../ui/Severity";

/** What is known of a fix, by the API's words. */
export function useFixWords(): Record<string, string> {
  const { t } = useLingui();
  return {
    fixed: t`a fix is there`,
    affected: t`no fix yet`,
    fix_deferred: t`the fix is put off`,
    will_not_fix: t`won't be fixed`,
    under_investigation: t`is looked into`,
    end_of_life: t`no longer maintained`,
  };
}

export function useSeverityWords(): Record<Rank, string> {
  const { t } = useLingui();
  return {
    Critical: t`Critical`,
    High: t`High`,
    Medium: t`Medium`,
    Low: t`Low`,
    Unknown: t`Unknown`,
  };
}
