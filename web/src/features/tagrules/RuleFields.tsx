import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox, Radio, TextInput } from "@mantine/core";
import { PatternField } from "../retention/PatternField";
import { PatternHelp } from "../retention/PatternHelp";
import type { TagRule } from "./queries";
import { dayOf, endOfDay, holds, type Kind, kindOf, kinds, withKind } from "./rule";
import classes from "./tagrules.module.css";
import { useKindWords } from "./words";

interface Props {
  rule: TagRule;
  stored: TagRule;
  /** The rule holds: it can only hold longer and forbid more. */
  held: boolean;
  onChange: (rule: TagRule) => void;
}

/** The fields of a rule about tags. */
export function RuleFields({ rule, stored, held, onChange }: Props) {
  const { t } = useLingui();
  return (
    <>
      {held && (
        <p className={classes.notice}>
          <Trans>A legal hold goes on: it can be put off and forbid more, and nothing less.</Trans>
        </p>
      )}
      <PatternField
        label={t`Tags`}
        disabled={held}
        excluding={rule.except_tags ?? false}
        pattern={rule.tags}
        onChange={(except_tags, tags) => onChange({ ...rule, except_tags, tags })}
      />
      <PatternField
        label={t`Repositories`}
        disabled={held}
        excluding={rule.except_repositories ?? false}
        pattern={rule.repositories}
        onChange={(except_repositories, repositories) =>
          onChange({ ...rule, except_repositories, repositories })
        }
      />
      <PatternHelp />
      {!held && <KindField rule={rule} onChange={onChange} />}
      {kindOf(rule) === "hold" && (
        <HoldFields rule={rule} stored={stored} held={held} onChange={onChange} />
      )}
      <TextInput
        label={t`Reason`}
        description={t`For people who meet the rule.`}
        maxLength={1024}
        value={rule.reason ?? ""}
        onChange={(event) => onChange({ ...rule, reason: event.currentTarget.value })}
      />
    </>
  );
}

function inAMonth(): string {
  return endOfDay(new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10));
}

function KindField({ rule, onChange }: Pick<Props, "rule" | "onChange">) {
  const { t } = useLingui();
  const words = useKindWords();
  return (
    <Radio.Group
      label={t`What it forbids`}
      value={kindOf(rule)}
      onChange={(kind) => onChange(withKind(rule, kind as Kind, inAMonth()))}
    >
      <div className={classes.choices}>
        {kinds.map((kind) => (
          <Radio key={kind} value={kind} label={words[kind].title} description={words[kind].what} />
        ))}
      </div>
    </Radio.Group>
  );
}

function HoldFields({ rule, stored, held, onChange }: Props) {
  const { t } = useLingui();
  const ended = !holds(rule, new Date());
  return (
    <>
      <TextInput
        type="date"
        label={t`Hold through this day (UTC)`}
        description={t`At most ten years ahead. It can be put off later.`}
        value={dayOf(rule.hold_until)}
        min={dayOf(held ? stored.hold_until : new Date().toISOString())}
        error={ended && t`Choose a day that isn't over.`}
        onChange={(event) => onChange({ ...rule, hold_until: endOfDay(event.currentTarget.value) })}
      />
      <Checkbox
        label={t`Forbid moving after the hold, too`}
        checked={rule.no_move}
        disabled={held && stored.no_move}
        onChange={(event) => onChange({ ...rule, no_move: event.currentTarget.checked })}
      />
      <Checkbox
        label={t`Forbid deleting after the hold, too`}
        checked={rule.no_delete}
        disabled={held && stored.no_delete}
        onChange={(event) => onChange({ ...rule, no_delete: event.currentTarget.checked })}
      />
    </>
  );
}
