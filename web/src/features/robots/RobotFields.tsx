import { useLingui } from "@lingui/react/macro";
import { NativeSelect, TextInput } from "@mantine/core";
import { Fields } from "../../ui/Form";

/** What is typed of a robot, besides its rights. */
export interface Typed {
  name: string;
  description: string;
  /** Days from its creation, -1 for ever. */
  duration: number;
}

export function nameGood(name: string): boolean {
  return /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/.test(name) && name.length <= 255;
}

interface Props {
  typed: Typed;
  onChange: (typed: Typed) => void;
  /** The project that it is of, "" for the registry. */
  project: string;
  /** Its name is given, and stays. */
  fixedName: boolean;
}

export function RobotFields({ typed, onChange, project, fixedName }: Props) {
  const { t } = useLingui();
  const bad = typed.name !== "" && !nameGood(typed.name);
  return (
    <>
      <Fields>
        {!fixedName && (
          <TextInput
            label={t`Name`}
            description={
              project
                ? t`Its user name will end in ${project}+name`
                : t`Without the beginning that all robots have.`
            }
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={typed.name}
            error={
              bad
                ? t`Lower-case letters and digits, parted by single dots, dashes or underscores.`
                : undefined
            }
            onChange={(event) => onChange({ ...typed, name: event.currentTarget.value })}
          />
        )}
        <End value={typed.duration} onChange={(duration) => onChange({ ...typed, duration })} />
      </Fields>
      <TextInput
        label={t`Description`}
        description={t`What it is for, and who looks after it`}
        autoComplete="off"
        maxLength={255}
        value={typed.description}
        onChange={(event) => onChange({ ...typed, description: event.currentTarget.value })}
      />
    </>
  );
}

const usual = [30, 90, 365];

function End({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  const { t } = useLingui();
  const days = [...new Set([...usual, value, -1])];
  const label = (each: number) => {
    if (each < 0) return t`never`;
    return each === 365 ? t`after a year` : t`after ${each} days`;
  };
  return (
    <NativeSelect
      label={t`It ends`}
      description={t`Counted from its creation`}
      data={days.map((each) => ({ value: String(each), label: label(each) }))}
      value={String(value)}
      onChange={(event) => onChange(Number(event.currentTarget.value))}
    />
  );
}
