import { Trans, useLingui } from "@lingui/react/macro";
import { Button, TextInput } from "@mantine/core";
import { changed, type Identity, type Signer } from "./document";
import { IdentityFields } from "./IdentityFields";
import { NotationFields } from "./NotationFields";
import { PemField } from "./PemField";
import classes from "./policy.module.css";

interface Props {
  signer: Signer;
  roots: string[];
  onChange: (signer: Signer) => void;
  onRemove: () => void;
}

const nameForm = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** Somebody who is trusted, and what they are known by. */
export function SignerFields({ signer, roots, onChange, onRemove }: Props) {
  const { t } = useLingui();
  const { name, keys = [], identities = [], notation } = signer;
  const put = (part: { [K in keyof Signer]?: Signer[K] | undefined }) =>
    onChange(changed(signer, part));
  const putKeys = (next: string[]) => put({ keys: next.length > 0 ? next : undefined });
  const putIdentities = (next: Identity[]) =>
    put({ identities: next.length > 0 ? next : undefined });

  return (
    <fieldset className={classes.card}>
      <legend>{name || t`Signer`}</legend>
      <TextInput
        label={t`Name of the signer`}
        autoCapitalize="none"
        spellCheck={false}
        value={name}
        error={
          !nameForm.test(name) &&
          t`Up to 63 lower-case letters, digits, dots, dashes or underscores.`
        }
        onChange={(event) => put({ name: event.currentTarget.value })}
      />
      {keys.map((key, place) => (
        <PemField
          // biome-ignore lint/suspicious/noArrayIndexKey: keys change while they are typed
          key={place}
          label={t`Public key`}
          kind="PUBLIC KEY"
          value={key}
          onChange={(value) => putKeys(keys.map((each, at) => (at === place ? value : each)))}
          onRemove={() => putKeys(keys.filter((_, at) => at !== place))}
        />
      ))}
      {identities.map((identity, place) => (
        <IdentityFields
          // biome-ignore lint/suspicious/noArrayIndexKey: identities change while they are typed
          key={place}
          identity={identity}
          roots={roots}
          onChange={(next) =>
            putIdentities(identities.map((each, at) => (at === place ? next : each)))
          }
          onRemove={() => putIdentities(identities.filter((_, at) => at !== place))}
        />
      ))}
      {notation && (
        <NotationFields
          notation={notation}
          onChange={(next) => put({ notation: next })}
          onRemove={() => put({ notation: undefined })}
        />
      )}
      <div className={classes.row}>
        <Button size="xs" variant="default" onClick={() => putKeys([...keys, ""])}>
          <Trans>Add public key</Trans>
        </Button>
        <Button
          size="xs"
          variant="default"
          onClick={() =>
            putIdentities([
              ...identities,
              { root: roots[0] ?? "sigstore", issuer: "", subject: "" },
            ])
          }
        >
          <Trans>Add keyless identity</Trans>
        </Button>
        {!notation && (
          <Button
            size="xs"
            variant="default"
            onClick={() => put({ notation: { certificates: "", identities: ["*"] } })}
          >
            <Trans>Add Notation certificates</Trans>
          </Button>
        )}
        <Button size="xs" variant="subtle" onClick={onRemove}>
          <Trans>Remove signer</Trans>
        </Button>
      </div>
    </fieldset>
  );
}
