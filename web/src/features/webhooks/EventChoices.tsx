import { useLingui } from "@lingui/react/macro";
import { Checkbox } from "@mantine/core";
import { wordsOf } from "./events";
import classes from "./webhooks.module.css";

interface Props {
  types: string[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
}

/** The types of events to tell, each with when it happens. */
export function EventChoices({ types, chosen, onChange }: Props) {
  const { t, i18n } = useLingui();
  return (
    <Checkbox.Group
      label={t`Tell of`}
      value={chosen}
      onChange={onChange}
      error={chosen.length === 0 && t`Choose at least one.`}
    >
      <div className={classes.events}>
        {types.map((type) => {
          const words = wordsOf(type);
          return (
            <Checkbox
              key={type}
              value={type}
              label={words ? i18n._(words.title) : type}
              description={words && i18n._(words.when)}
            />
          );
        })}
      </div>
    </Checkbox.Group>
  );
}
