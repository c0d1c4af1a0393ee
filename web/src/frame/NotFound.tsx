import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { Page } from "../ui/Page";

export function NotFound() {
  const { t } = useLingui();
  return (
    <Page title={t`There is no such page`}>
      <p>
        <Trans>
          The address may be mistyped, or what it named is gone. <Link to="/">Go home</Link>
        </Trans>
      </p>
    </Page>
  );
}
