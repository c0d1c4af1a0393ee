import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect, Textarea } from "@mantine/core";
import { changed, type Notation } from "./document";
import { PemField } from "./PemField";
import classes from "./policy.module.css";

interface Props {
  notation: Notation;
  onChange: (notation: Notation) => void;
  onRemove: () => void;
}

/** Whose certificates of the Notary Project count. */
export function NotationFields({ notation, onChange, onRemove }: Props) {
  const { t } = useLingui();
  const { revocation = "log" } = notation;
  const put = (part: { [K in keyof Notation]?: Notation[K] | undefined }) =>
    onChange(changed(notation, part));
  return (
    <div className={classes.inner}>
      <PemField
        label={t`Certificates of the authority`}
        kind="CERTIFICATE"
        value={notation.certificates ?? ""}
        onChange={(certificates) => put({ certificates })}
      />
      <Textarea
        label={t`Who signs`}
        description={t`A distinguished name on each line, such as C=US, ST=WA, O=acme. A * alone: everybody with a certificate.`}
        rows={2}
        spellCheck={false}
        value={(notation.identities ?? []).join("\n")}
        onChange={(event) => put({ identities: event.currentTarget.value.split("\n") })}
      />
      <NativeSelect
        label={t`Revoked certificates`}
        data={[
          { value: "log", label: t`Don't count where a list names them` },
          { value: "enforce", label: t`Count only where a list says they are good` },
          { value: "skip", label: t`Aren't looked for` },
        ]}
        value={revocation}
        onChange={(event) => put({ revocation: event.currentTarget.value })}
      />
      {(revocation === "enforce" || notation.crls !== undefined) && (
        <PemField
          label={t`Revocation lists`}
          kind="X509 CRL"
          value={notation.crls ?? ""}
          onChange={(crls) => put({ crls })}
        />
      )}
      <div>
        <Button size="xs" variant="subtle" onClick={onRemove}>
          <Trans>Remove Notation certificates</Trans>
        </Button>
      </div>
    </div>
  );
}
