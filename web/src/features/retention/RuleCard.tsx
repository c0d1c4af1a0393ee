import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { lazy, Suspense } from "react";
import { Loading } from "../../ui/states";
import classes from "./retention.module.css";
import type { Rule } from "./rule";
import { useRuleFacts, useRuleTitle } from "./words";

const RuleForm = lazy(() => import("./RuleForm").then((part) => ({ default: part.RuleForm })));

/** A rule in words. */
export function RuleWords({ rule }: { rule: Rule }) {
  const title = useRuleTitle();
  const facts = useRuleFacts();
  return (
    <div className={classes.words}>
      <p className={classes.what} data-off={rule.disabled || undefined}>
        {title(rule)}
      </p>
      <p className={classes.facts}>
        {rule.disabled && (
          <strong>
            <Trans>Disabled:</Trans>{" "}
          </strong>
        )}
        {facts(rule).join(" · ")}
      </p>
    </div>
  );
}

interface Props {
  rule: Rule;
  /** Its place, from 1. */
  place: number;
  open: boolean;
  onOpen: (open: boolean) => void;
  onChange: (rule: Rule) => void;
  onRemove: () => void;
}

/** A rule that can be changed: its words, and below them its fields while it is open. */
export function RuleCard({ rule, place, open, onOpen, onChange, onRemove }: Props) {
  const { t } = useLingui();
  const disabled = rule.disabled ?? false;
  return (
    <li className={classes.card}>
      <div className={classes.cardHead}>
        <RuleWords rule={rule} />
        <div className={classes.buttons}>
          <Button
            size="xs"
            variant="default"
            aria-expanded={open}
            aria-label={open ? t`Close rule ${place}` : t`Edit rule ${place}`}
            onClick={() => onOpen(!open)}
          >
            {open ? t`Close` : t`Edit`}
          </Button>
          <Button
            size="xs"
            variant="default"
            aria-label={disabled ? t`Enable rule ${place}` : t`Disable rule ${place}`}
            onClick={() => onChange({ ...rule, disabled: !disabled })}
          >
            {disabled ? t`Enable` : t`Disable`}
          </Button>
          <Button
            size="xs"
            variant="default"
            aria-label={t`Remove rule ${place}`}
            onClick={onRemove}
          >
            <Trans>Remove</Trans>
          </Button>
        </div>
      </div>
      {open && (
        <Suspense fallback={<Loading rows={2} />}>
          <RuleForm rule={rule} onChange={onChange} />
        </Suspense>
      )}
    </li>
  );
}
