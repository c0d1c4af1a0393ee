import { Trans, useLingui } from "@lingui/react/macro";
import { Textarea, TextInput } from "@mantine/core";
import { Fields } from "../../../ui/Form";
import classes from "../identity.module.css";
import type { Typed } from "./draft";

interface Props {
  typed: Typed;
  onChange: (typed: Typed) => void;
}

const off = { autoComplete: "off", autoCapitalize: "none", spellCheck: false } as const;

/** Which tokens are good: who signs them, for whom, what they say, by which keys. */
export function TokenFields({ typed, onChange }: Props) {
  const { t } = useLingui();
  const field = (name: "issuer" | "audience" | "condition" | "keys" | "minutes") => ({
    ...off,
    value: typed[name],
    onChange: (event: { currentTarget: { value: string } }) =>
      onChange({ ...typed, [name]: event.currentTarget.value }),
  });
  const url = typed.issuer === "" || /^https?:\/\/\S+$/.test(typed.issuer.trim());
  const life = /^([1-9]|[1-5]\d|60)$/.test(typed.minutes.trim());
  return (
    <>
      <Fields>
        <TextInput
          label={t`Issuer`}
          description={t`Who signs the tokens, exactly as they say it.`}
          placeholder="https://token.actions.githubusercontent.com"
          error={url ? undefined : t`An address that begins with https://`}
          {...field("issuer")}
        />
        <TextInput
          label={t`Audience`}
          description={t`Whom the tokens must be made for.`}
          {...field("audience")}
        />
        <TextInput
          label={t`Lifetime in minutes`}
          description={t`Of what a token is exchanged for.`}
          inputMode="numeric"
          error={life ? undefined : t`1 to 60.`}
          {...field("minutes")}
        />
      </Fields>
      <Textarea
        className={classes.code}
        label={t`Condition`}
        description={t`An expression in CEL over the token's claims. Name the repository and the branch: one that names neither lets everybody of the issuer in.`}
        placeholder={'claims.repository == "acme/app"'}
        rows={3}
        maxLength={4096}
        {...field("condition")}
      />
      <details className={classes.more} open={typed.keys !== ""}>
        <summary>
          <Trans>Keys of an issuer that can't be asked</Trans>
        </summary>
        <Textarea
          className={classes.code}
          label={t`Key set (JWKS)`}
          description={t`For most Kubernetes clusters: what kubectl get --raw /openid/v1/jwks says.`}
          placeholder={'{"keys":[…]}'}
          rows={4}
          {...field("keys")}
        />
      </details>
    </>
  );
}
