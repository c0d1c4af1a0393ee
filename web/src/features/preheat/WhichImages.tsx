import { useLingui } from "@lingui/react/macro";
import type { Draft } from "./draft";
import classes from "./preheat.module.css";
import { belowWords } from "./words";

/** Which images a policy means, in words. */
export function WhichImages({ draft }: { draft: Draft }) {
  const { t, i18n } = useLingui();
  const { label } = draft;
  const below = belowWords.find((each) => each.value === draft.below && each.value > 0);
  const whole = draft.repository === "**" && draft.tag === "**";
  const parts = [
    whole ? t`all` : `${draft.repository || "**"}:${draft.tag || "**"}`,
    label && t`labelled ${label}`,
    below && i18n._(below.title),
    draft.signed && t`signed`,
  ];
  return <span className={classes.words}>{parts.filter(Boolean).join(" · ")}</span>;
}
