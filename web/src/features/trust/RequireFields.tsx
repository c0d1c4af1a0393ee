import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect } from "@mantine/core";
import { DemandFields } from "./DemandFields";
import { anybody, type Demands, demandsOf, type Requirement, requireOf } from "./document";
import classes from "./policy.module.css";

interface Props {
  require: Requirement | null | undefined;
  signers: string[];
  onChange: (require: Requirement | undefined) => void;
}

/** What an image must have. Rules in rules are left to the JSON. */
export function RequireFields({ require, signers, onChange }: Props) {
  const { t } = useLingui();
  const demands = demandsOf(require);
  if (!demands) {
    return (
      <p className={classes.dim}>
        <Trans>What is required has rules within rules: change it in the JSON.</Trans>
      </p>
    );
  }
  const put = (part: Partial<Demands>) => onChange(requireOf({ ...demands, ...part }));
  const { list, join } = demands;
  return (
    <fieldset className={classes.card}>
      <legend>
        <Trans>What an image must have</Trans>
      </legend>
      {list.length === 0 && (
        <p className={classes.dim}>
          <Trans>A signature by any of the signers.</Trans>
        </p>
      )}
      {list.length > 1 && (
        <NativeSelect
          label={t`How much of it`}
          data={[
            { value: "any_of", label: t`One of these` },
            { value: "all_of", label: t`All of these` },
          ]}
          value={join}
          onChange={(event) => put({ join: event.currentTarget.value as Demands["join"] })}
        />
      )}
      {list.map((demand, place) => (
        <DemandFields
          // biome-ignore lint/suspicious/noArrayIndexKey: demands change while they are typed
          key={place}
          demand={demand}
          signers={signers}
          onChange={(next) => put({ list: list.map((each, at) => (at === place ? next : each)) })}
          onRemove={() => put({ list: list.filter((_, at) => at !== place) })}
        />
      ))}
      <div className={classes.row}>
        <Button
          size="xs"
          variant="default"
          onClick={() => put({ list: [...list, { signed_by: signers[0] ?? anybody }] })}
        >
          <Trans>Require a signature</Trans>
        </Button>
        <Button
          size="xs"
          variant="default"
          onClick={() =>
            put({
              list: [
                ...list,
                {
                  attestation: {
                    predicate_type: "https://slsa.dev/provenance/v1",
                    by: signers[0] ?? anybody,
                  },
                },
              ],
            })
          }
        >
          <Trans>Require an attestation</Trans>
        </Button>
      </div>
    </fieldset>
  );
}
