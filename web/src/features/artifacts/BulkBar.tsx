import { plural } from "@lingui/core/macro";
import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconCopy, IconRadar, IconTag, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { copyText } from "../../ui/clipboard";
import { formatBytes } from "../../ui/format";
import { useNotices } from "../../ui/Notices";
import { Failed } from "../../ui/states";
import { usePreferences } from "../preferences/preferences";
import { pullCommand, thisHost } from "../repositories/commands";
import type { May } from "../session/may";
import classes from "./BulkBar.module.css";
import { LabelDialog } from "./LabelDialog";
import { useScan } from "./mutations";
import type { PlaceProps } from "./place";
import { sumOf, type TagRow } from "./rows";
import { useDelete } from "./useDelete";

interface Props extends PlaceProps {
  projectId: number | undefined;
  rows: TagRow[];
  may: May;
  /** Nothing is chosen any more. */
  onDone: () => void;
}

/** What can be done with the chosen rows, and what it will do. */
export function BulkBar(props: Props) {
  const { rows, may, onDone } = props;
  const { t } = useLingui();
  const [labelling, setLabelling] = useState(false);
  const sum = sumOf(rows);
  const artifacts = t`${plural(sum.artifacts.length, { one: "# artifact", other: "# artifacts" })}`;
  const chosen = t`${plural(rows.length, { one: "# row chosen", other: "# rows chosen" })}`;
  if (rows.length === 0) return null;
  return (
    <section className={classes.bar} aria-label={t`What to do with the chosen ones`}>
      <p>
        <strong>{chosen}</strong> · {artifacts}
      </p>
      <div className={classes.buttons}>
        <Copy {...props} />
        {may("artifact-label", "create") && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconTag size={16} aria-hidden />}
            onClick={() => setLabelling(true)}
          >
            <Trans>Change labels</Trans>
          </Button>
        )}
        {may("scan", "create") && <Scan {...props} />}
        <Delete {...props} />
        <Button size="xs" variant="subtle" onClick={onDone}>
          <Trans>Choose none</Trans>
        </Button>
      </div>
      <LabelDialog
        {...props}
        artifacts={sum.artifacts}
        opened={labelling}
        onClose={() => setLabelling(false)}
      />
    </section>
  );
}

function Copy({ project, repository, rows }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const commands = rows.map((row) =>
    pullCommand(thisHost(), {
      repository: `${project}/${repository}`,
      reference: row.tag?.name ?? row.artifact.digest ?? "",
      type: row.artifact.type ?? "",
    }),
  );
  const copy = () =>
    copyText(commands.join("\n")).then(
      () => say(t`The pull commands are copied.`),
      () => say(t`The browser refused to copy`),
    );
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={<IconCopy size={16} aria-hidden />}
      onClick={copy}
    >
      <Trans>Copy pull commands</Trans>
    </Button>
  );
}

function Scan({ project, repository, rows, onDone }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const scan = useScan({ project, repository });
  const digests = sumOf(rows)
    .artifacts.filter((each) => each.addition_links?.vulnerabilities)
    .map((each) => each.digest ?? "");
  if (digests.length === 0) return null;
  const start = () =>
    scan.mutate(digests, {
      onSuccess: ({ done, failures }) => {
        say(
          [
            t`${plural(done, { one: "# scan begins.", other: "# scans begin." })}`,
            failures[0]?.message ?? "",
          ].join(" "),
        );
        onDone();
      },
      onError: (error) => say(error.message),
    });
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={<IconRadar size={16} aria-hidden />}
      loading={scan.isPending}
      onClick={start}
    >
      {t`${plural(digests.length, { one: "Scan # artifact", other: "Scan # artifacts" })}`}
    </Button>
  );
}

function Delete({ project, repository, rows, may, onDone }: Props) {
  const { t } = useLingui();
  const { language } = usePreferences();
  const { remove, isPending, error } = useDelete({ project, repository });
  const { tags, artifacts, allTags, bytes } = sumOf(rows);
  const size = formatBytes(bytes, language);
  const tagCount = t`${plural(tags.length, { one: "# tag", other: "# tags" })}`;
  const count = t`${plural(artifacts.length, { one: "# artifact", other: "# artifacts" })}`;
  const alongside = t`${plural(allTags, { one: "# tag", other: "# tags" })}`;
  const byTag = () =>
    remove(
      tags.map((row) => ({ digest: row.artifact.digest ?? "", tag: row.tag?.name ?? "" })),
      onDone,
    );
  const byArtifact = () =>
    remove(
      artifacts.map((each) => ({ digest: each.digest ?? "" })),
      onDone,
    );
  return (
    <>
      {tags.length > 0 && may("tag", "delete") && (
        <Button size="xs" variant="default" loading={isPending} onClick={byTag}>
          {t`Delete ${tagCount}`}
        </Button>
      )}
      {may("artifact", "delete") && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconTrash size={16} aria-hidden />}
          loading={isPending}
          title={t`With all their tags: ${alongside}`}
          onClick={byArtifact}
        >
          {t`Delete ${count}, ${alongside}, frees at most ${size}`}
        </Button>
      )}
      {error && <Failed what={t`Nothing was deleted.`} error={error} />}
    </>
  );
}
