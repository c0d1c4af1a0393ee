import { Trans, useLingui } from "@lingui/react/macro";
import { type Column, DataTable } from "../../ui/DataTable";
import { Digest } from "../../ui/Digest";
import { When } from "../../ui/When";
import type { Fate } from "./preview";
import classes from "./retention.module.css";
import type { Rule } from "./rule";
import { useRuleTitle } from "./words";

const most = 50;

interface Props {
  repository: string;
  fates: Fate[];
  rules: Rule[];
  /** No rule is about the repository, so that all of it stays. */
  uncovered: boolean;
}

/** What would become of artifacts, and why: what goes first. */
export function FateTable({ repository, fates, rules, uncovered }: Props) {
  const { t } = useLingui();
  const title = useRuleTitle();
  const sorted = [...fates.filter((each) => !each.stays), ...fates.filter((each) => each.stays)];
  const more = sorted.length - most;
  const why = (fate: Fate) => {
    const rule = rules[fate.rule];
    const place = fate.rule + 1;
    if (!fate.stays) return t`no rule keeps it`;
    if (rule) return t`rule ${place}: ${title(rule)}`;
    return fate.why || (uncovered ? t`no rule is about this repository` : "");
  };
  const columns: Column<Fate>[] = [
    { key: "tags", title: t`Artifact`, names: true, cell: (fate) => <Name {...fate} /> },
    { key: "pushed", title: t`Pushed`, cell: (fate) => <When time={fate.push_time} /> },
    { key: "used", title: t`Pulled`, cell: (fate) => <When time={fate.last_use ?? undefined} /> },
    {
      key: "fate",
      title: t`What would become of it`,
      cell: (fate) => <Verdict stays={fate.stays} why={why(fate)} />,
    },
  ];
  return (
    <div className={classes.fate}>
      <DataTable
        caption={t`What would become of the artifacts of ${repository}`}
        columns={columns}
        rows={sorted.slice(0, most)}
        rowKey={(fate) => fate.digest}
      />
      {more > 0 && (
        <p className={classes.facts}>
          <Trans>And {more} more, those that stay last.</Trans>
        </p>
      )}
    </div>
  );
}

/** An artifact by its tags, or by its digest where it has none. */
export function Name({
  tags,
  digest,
  more = 0,
}: {
  tags: string[];
  digest: string;
  more?: number;
}) {
  if (tags.length === 0) return <Digest value={digest} />;
  return (
    <span className={classes.tags} title={digest}>
      {tags.map((tag) => (
        <code key={tag}>{tag}</code>
      ))}
      {more > 0 && (
        <span>
          <Trans>and {more} more</Trans>
        </span>
      )}
    </span>
  );
}

export function Verdict({ stays, why }: { stays: boolean; why: string }) {
  return (
    <span>
      <span className={stays ? classes.stays : classes.goes}>
        {stays ? <Trans>Stays</Trans> : <Trans>Goes</Trans>}
      </span>
      {why && <span className={classes.why}> – {why}</span>}
    </span>
  );
}
