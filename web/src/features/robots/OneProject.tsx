import { Trans, useLingui } from "@lingui/react/macro";
import { Radio } from "@mantine/core";
import { useState } from "react";
import { Fields } from "../../ui/Form";
import { Matrix } from "./Matrix";
import type { RightsProps } from "./RobotForm";
import { type Permission, type Place, presetOf, presetRights } from "./rights";

/** What a robot may do in the project that it is of. */
export function OneProject({ places: [place], offered, onChange }: RightsProps) {
  if (!place) return null;
  return (
    <Choice
      rights={place.rights}
      offered={offered.project}
      onChange={(rights) => onChange([{ ...place, rights }])}
    />
  );
}

interface Props {
  rights: Place["rights"];
  offered: Permission[];
  onChange: (rights: Place["rights"]) => void;
}

/** The usual by one choice, others one by one. */
function Choice({ rights, offered, onChange }: Props) {
  const { t } = useLingui();
  const [choice, setChoice] = useState(() => {
    const preset = presetOf(rights, offered);
    return preset === "pull" || preset === "push" ? preset : "own";
  });
  return (
    <>
      <Radio.Group
        label={t`It may`}
        value={choice}
        onChange={(next) => {
          setChoice(next);
          if (next === "pull" || next === "push") onChange(presetRights(next, offered));
        }}
      >
        <Fields>
          <Radio value="pull" label={t`pull`} />
          <Radio value="push" label={t`pull and push`} />
          <Radio value="own" label={t`what I tick`} />
        </Fields>
      </Radio.Group>
      {choice === "own" && <Matrix offered={offered} chosen={rights} onChange={onChange} />}
      {rights.size === 0 && (
        <p role="status">
          <Trans>Tick at least one thing that it may do.</Trans>
        </p>
      )}
    </>
  );
}
