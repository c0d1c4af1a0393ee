import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { openSearch } from "../features/search/opening";
import { ButtonLink } from "../ui/ButtonLink";
import { Page } from "../ui/Page";
import { Empty } from "../ui/states";
import classes from "./NotFound.module.css";

/** Shown where no page is: the ways on are the search and home. */
export function NotFound() {
  const { t } = useLingui();
  return (
    <Page title={t`There is no such page`}>
      <Empty title={t`The address may be mistyped, or what it named is gone.`}>
        <p>
          <Trans>Search for it by a part of its name, or by a digest.</Trans>
        </p>
        <div className={classes.ways}>
          <Button leftSection={<IconSearch size={16} aria-hidden />} onClick={openSearch}>
            <Trans>Search everywhere</Trans>
          </Button>
          <ButtonLink to="/">
            <Trans>Go home</Trans>
          </ButtonLink>
        </div>
      </Empty>
    </Page>
  );
}
