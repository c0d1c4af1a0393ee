import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Bytes } from "../../../ui/Bytes";
import { Digest } from "../../../ui/Digest";
import { useNotices } from "../../../ui/Notices";
import { Section } from "../../../ui/Page";
import { Empty, Failed } from "../../../ui/states";
import { When } from "../../../ui/When";
import { Fact, Facts } from "../parts/Facts";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { type Database, type Edition, useDatabase, useRefresh } from "./queries";

const old = 3 * 86_400; // seconds; from here on new vulnerabilities are missed that others know

/** The edition of the vulnerability database that is in force, and where newer ones come from. */
export function Editions() {
  const { t } = useLingui();
  const { say } = useNotices();
  const database = useDatabase();
  const refresh = useRefresh();
  const sources = database.data?.sources ?? [];
  return (
    <Section
      title={t`Vulnerability database`}
      actions={
        sources.length > 0 && (
          <Button
            loading={refresh.isPending}
            onClick={() =>
              refresh.mutate(undefined, {
                onSuccess: ({ changed }) =>
                  say(
                    changed
                      ? t`A newer edition is in force. Packages are judged anew.`
                      : t`The sources have nothing newer.`,
                  ),
              })
            }
          >
            <Trans>Refresh now</Trans>
          </Button>
        )
      }
    >
      {refresh.isError && <Failed what={t`There is no newer edition.`} error={refresh.error} />}
      <Shown query={database} what={t`The vulnerability database can't be shown.`}>
        {(data) => <Contents database={data} />}
      </Shown>
    </Section>
  );
}

function Contents({ database }: { database: Database }) {
  const { t } = useLingui();
  const { current, previous, sources, confinement } = database;
  return (
    <>
      {!current && (
        <Empty title={t`There is no vulnerability database yet: images can't be judged.`}>
          <p>
            <Trans>
              Name a source (vulndb_source) when Haven starts, or import an archive below.
            </Trans>
          </p>
        </Empty>
      )}
      {current && current.age_seconds > old && (
        <p className={classes.warning}>
          <Trans>This edition is old: what became known since is not found.</Trans>
        </p>
      )}
      <Facts>
        {current && <EditionFacts edition={current} />}
        <Fact name={t`Sources`}>
          {sources.length === 0 ? (
            <Trans>none: newer editions are imported by hand</Trans>
          ) : (
            sources.join(", ")
          )}
        </Fact>
        {previous && (
          <Fact name={t`The one before`}>
            <Trans>
              published <When time={previous.updated_at} />
            </Trans>
          </Fact>
        )}
        <Fact name={t`Images are read within`}>{confinement}</Fact>
      </Facts>
    </>
  );
}

function EditionFacts({ edition }: { edition: Edition }) {
  const { t } = useLingui();
  return (
    <>
      <Fact name={t`Published`}>
        <When time={edition.updated_at} />
      </Fact>
      <Fact name={t`In force here`}>
        <When time={edition.imported_at} />
      </Fact>
      {edition.next_update && (
        <Fact name={t`Next one promised`}>
          <When time={edition.next_update} />
        </Fact>
      )}
      <Fact name={t`Came from`}>
        {edition.source === "upload" ? <Trans>somebody who uploaded it</Trans> : edition.source}
      </Fact>
      <Fact name={t`Digest`}>
        <Digest value={edition.digest} />
      </Fact>
      <Fact name={t`Size`}>
        <Bytes value={edition.size} />
      </Fact>
    </>
  );
}
