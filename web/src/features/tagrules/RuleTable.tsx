import { Trans, useLingui } from "@lingui/react/macro";
import { type Column, DataTable } from "../../ui/DataTable";
import { When } from "../../ui/When";
import type { TagRule } from "./queries";
import { RuleActions } from "./RuleActions";
import { holds, kindOf } from "./rule";
import classes from "./tagrules.module.css";
import { useAbout, useKindWords } from "./words";

interface Props {
  project: string;
  rules: TagRule[];
  onEdit: (rule: TagRule) => void;
}

/** The rules of a project, each in words, with what can be done about it. */
export function RuleTable({ project, rules, onEdit }: Props) {
  const { t } = useLingui();
  const kinds = useKindWords();
  const about = useAbout();
  const columns: Column<TagRule>[] = [
    { key: "about", title: t`Tags`, names: true, cell: about },
    { key: "kind", title: t`What it forbids`, cell: (rule) => kinds[kindOf(rule)].title },
    { key: "state", title: t`State`, cell: (rule) => <State rule={rule} /> },
    { key: "reason", title: t`Reason`, cell: (rule) => rule.reason || "–" },
    { key: "by", title: t`By`, cell: (rule) => rule.created_by || "–" },
    {
      key: "do",
      title: t`What to do`,
      cell: (rule) => <RuleActions project={project} rule={rule} onEdit={() => onEdit(rule)} />,
    },
  ];
  return (
    <DataTable
      caption={t`Tag rules`}
      columns={columns}
      rows={rules}
      rowKey={(rule) => String(rule.id)}
    />
  );
}

function State({ rule }: { rule: TagRule }) {
  const { release } = rule;
  if (holds(rule, new Date())) {
    return (
      <span>
        <Trans>
          Holds, ends <When time={rule.hold_until ?? undefined} />
        </Trans>
        {release && (
          <span className={classes.notice}>
            {" "}
            <Trans>
              {release.asked_by} asked to end it <When time={release.time} />: {release.reason}
            </Trans>
          </span>
        )}
      </span>
    );
  }
  if (rule.disabled) {
    return (
      <span className={classes.off}>
        <Trans>Disabled</Trans>
      </span>
    );
  }
  return kindOf(rule) === "hold" && !rule.no_move && !rule.no_delete ? (
    <Trans>The hold has ended</Trans>
  ) : (
    <Trans>In force</Trans>
  );
}
