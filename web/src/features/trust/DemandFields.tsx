import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { type Attestation, anybody, changed, type Requirement } from "./document";
import classes from "./policy.module.css";

interface Props {
  demand: Requirement;
  signers: string[];
  onChange: (demand: Requirement) => void;
  onRemove: () => void;
}

/** A signature or an attestation that an image must have. */
export function DemandFields({ demand, signers, onChange, onRemove }: Props) {
  const { t } = useLingui();
  const { attestation } = demand;
  const by = attestation ? attestation.by : (demand.signed_by ?? anybody);
  const names = [...new Set([...signers.filter((name) => name !== ""), by])];
  const put = (part: { [K in keyof Attestation]?: Attestation[K] | undefined }) =>
    attestation && onChange({ attestation: changed(attestation, part) });
  return (
    <div className={classes.inner}>
      <NativeSelect
        label={attestation ? t`An attestation by` : t`A signature by`}
        data={[
          { value: anybody, label: t`any of the signers` },
          ...names.filter((name) => name !== anybody).map((name) => ({ value: name, label: name })),
        ]}
        value={by}
        onChange={(event) => {
          const name = event.currentTarget.value;
          if (attestation) put({ by: name });
          else onChange({ signed_by: name });
        }}
      />
      {attestation && (
        <>
          <TextInput
            label={t`Type of the attestation`}
            spellCheck={false}
            value={attestation.predicate_type}
            error={attestation.predicate_type === "" && t`An attestation has a type.`}
            onChange={(event) => put({ predicate_type: event.currentTarget.value })}
          />
          <TextInput
            label={t`Builder`}
            description={t`Of a SLSA provenance, exactly. Empty: any.`}
            spellCheck={false}
            value={attestation.builder ?? ""}
            onChange={(event) => put({ builder: event.currentTarget.value || undefined })}
          />
          <TextInput
            label={t`Rule`}
            description={t`In CEL, on the variable predicate. Empty: none.`}
            spellCheck={false}
            value={attestation.rule ?? ""}
            onChange={(event) => put({ rule: event.currentTarget.value || undefined })}
          />
        </>
      )}
      <div>
        <Button size="xs" variant="subtle" onClick={onRemove}>
          <Trans>Don't require it</Trans>
        </Button>
      </div>
    </div>
  );
}
