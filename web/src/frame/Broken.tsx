import { useLingui } from "@lingui/react/macro";
import { Page } from "../ui/Page";
import { Failed } from "../ui/states";

/** Shown when a page itself fails: its script did not load, or has a fault. */
export function Broken({ error }: { error: unknown }) {
  const { t } = useLingui();
  return (
    <Page title={t`This page failed`}>
      <Failed
        what={t`The page can't be shown.`}
        error={error}
        retry={() => window.location.reload()}
      />
    </Page>
  );
}
