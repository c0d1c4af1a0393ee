import { Trans, useLingui } from "@lingui/react/macro";
import { NativeSelect, TextInput } from "@mantine/core";
import { Fields } from "../../../ui/Form";
import { Failed, Loading } from "../../../ui/states";
import classes from "../identity.module.css";
import { Places } from "./Places";
import { useOffered } from "./queries";
import type { Place } from "./rights";

/** What is typed of a robot. */
export interface Typed {
  name: string;
  description: string;
  /** Days, -1 for ever; as text while it is typed. */
  days: string;
  places: Place[];
}

const names = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

export function nameGood(name: string): boolean {
  return names.test(name) && name.length <= 255;
}

interface Props {
  typed: Typed;
  onChange: (typed: Typed) => void;
  /** Its name is given, and stays. */
  fixedName?: boolean;
}

/** Name, life and permissions of a robot. */
export function RobotFields({ typed, onChange, fixedName = false }: Props) {
  const { t } = useLingui();
  const offered = useOffered();
  const bad = typed.name !== "" && !nameGood(typed.name);
  const days = ["30", "90", "365", "-1"];
  if (!days.includes(typed.days)) days.unshift(typed.days);
  return (
    <>
      <Fields>
        {!fixedName && (
          <TextInput
            label={t`Name`}
            description={t`Without the beginning that all robots have.`}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={typed.name}
            error={bad ? t`Lower-case letters and digits, parted by single . _ or -` : undefined}
            onChange={(event) => onChange({ ...typed, name: event.currentTarget.value })}
          />
        )}
        <TextInput
          label={t`What it is for`}
          description={t`May stay empty.`}
          autoComplete="off"
          maxLength={1024}
          value={typed.description}
          onChange={(event) => onChange({ ...typed, description: event.currentTarget.value })}
        />
        <NativeSelect
          label={t`It ends`}
          description={t`Counted from its creation.`}
          data={days.map((value) => ({
            value,
            label: value === "-1" ? t`never` : t`after ${value} days`,
          }))}
          value={typed.days}
          onChange={(event) => onChange({ ...typed, days: event.currentTarget.value })}
        />
      </Fields>
      <div className={classes.tight}>
        <h3>
          <Trans>What it may do</Trans>
        </h3>
        {offered.isPending && <Loading rows={3} />}
        {offered.isError && (
          <Failed
            what={t`It is unknown what a robot may be given.`}
            error={offered.error}
            retry={() => offered.refetch()}
          />
        )}
        {offered.data && (
          <Places
            places={typed.places}
            offered={offered.data}
            onChange={(places) => onChange({ ...typed, places })}
          />
        )}
      </div>
    </>
  );
}
