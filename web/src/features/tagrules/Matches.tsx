import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { useState } from "react";
import { type Column, DataTable } from "../../ui/DataTable";
import { Failed, Loading } from "../../ui/states";
import { type Previewed, usePreviews } from "../retention/preview";
import { RepositoryPicker, useChosen } from "../retention/RepositoryPicker";
import type { TagRule } from "./queries";
import { asQuestion } from "./rule";
import classes from "./tagrules.module.css";

const most = 30;

interface Props {
  project: string;
  rule: TagRule;
}

/** Which of the artifacts that are there a rule is about, while it is written. */
export function Matches({ project, rule }: Props) {
  const { t } = useLingui();
  const [picked, setPicked] = useState<string[]>();
  const chosen = useChosen(project, picked);
  const found = usePreviews(project, rule.tags.trim() ? chosen : [], [asQuestion(rule)]);
  const failed = found.find((each) => each.error);
  const { repository = "" } = failed ?? {};
  return (
    <div className={classes.found}>
      <RepositoryPicker project={project} chosen={chosen} onChange={setPicked} />
      {!rule.tags.trim() && (
        <p className={classes.dim}>
          <Trans>Type a pattern of tags to see which of them the rule is about.</Trans>
        </p>
      )}
      {failed && (
        <Failed
          what={t`What the rule is about in ${repository} can't be shown.`}
          error={failed.error}
          retry={failed.retry}
        />
      )}
      {!failed && found.length > 0 && <Found found={found} />}
    </div>
  );
}

/** The artifacts that the rule chooses: its question keeps them, by the only rule that it has. */
function chosenOf({ preview }: Previewed) {
  return (preview?.artifacts ?? []).filter((each) => each.rule === 0);
}

function Found({ found }: { found: Previewed[] }) {
  const { t } = useLingui();
  if (found.some((each) => !each.preview)) return <Loading rows={2} />;
  const count = found.reduce((sum, each) => sum + chosenOf(each).length, 0);
  const columns: Column<Previewed>[] = [
    { key: "name", title: t`Repository`, names: true, cell: (each) => each.repository },
    {
      key: "count",
      title: t`Artifacts`,
      number: true,
      cell: (each) => chosenOf(each).length,
    },
    { key: "tags", title: t`Their tags`, cell: (each) => <Tags each={each} /> },
  ];
  return (
    <>
      <p role="status">
        {count > 0 ? (
          <Plural
            value={count}
            one="The rule is about one artifact that is here now."
            other="The rule is about # artifacts that are here now."
          />
        ) : (
          <Trans>The rule is about nothing that is here now.</Trans>
        )}
      </p>
      <DataTable
        caption={t`What the rule is about`}
        columns={columns}
        rows={found}
        rowKey={(each) => each.repository}
      />
    </>
  );
}

function Tags({ each }: { each: Previewed }) {
  const { t } = useLingui();
  if (!each.preview?.covered) return t`the repository doesn't match`;
  const artifacts = chosenOf(each);
  if (artifacts.length === 0) return "–";
  const more = artifacts.length - most;
  return (
    <span className={classes.tags}>
      {artifacts.slice(0, most).map(({ digest, tags }) => (
        <code key={digest}>{tags.join(", ")}</code>
      ))}
      {more > 0 && (
        <span>
          <Trans>and {more} more</Trans>
        </span>
      )}
    </span>
  );
}
