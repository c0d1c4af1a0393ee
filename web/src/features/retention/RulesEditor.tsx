import { Trans } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { RuleCard } from "./RuleCard";
import classes from "./retention.module.css";
import { newRule, type Rule } from "./rule";

const mostRules = 15;

interface Props {
  rules: Rule[];
  onChange: (rules: Rule[]) => void;
}

/** The rules of a policy: what any of them keeps stays. */
export function RulesEditor({ rules, onChange }: Props) {
  const [open, setOpen] = useState<number>();
  const change = (place: number, rule: Rule) =>
    onChange(rules.map((each, at) => (at === place ? rule : each)));

  function remove(place: number) {
    setOpen(undefined);
    onChange(rules.filter((_, at) => at !== place));
  }

  function add() {
    setOpen(rules.length);
    onChange([...rules, newRule()]);
  }

  return (
    <>
      {rules.length > 0 && (
        <ol className={classes.rules}>
          {rules.map((rule, place) => (
            <RuleCard
              // biome-ignore lint/suspicious/noArrayIndexKey: a rule is its place
              key={place}
              rule={rule}
              place={place + 1}
              open={open === place}
              onOpen={(opened) => setOpen(opened ? place : undefined)}
              onChange={(changed) => change(place, changed)}
              onRemove={() => remove(place)}
            />
          ))}
        </ol>
      )}
      <div>
        <Button variant="default" disabled={rules.length >= mostRules} onClick={add}>
          <Trans>Add rule</Trans>
        </Button>
      </div>
    </>
  );
}
