import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useState } from "react";
import { Fields } from "../../ui/Form";
import { AuthField } from "./AuthField";
import { addressFault, isForeign, type TargetDraft } from "./draft";
import { SigningField } from "./SigningField";
import classes from "./webhooks.module.css";

interface Props {
  title: string;
  target: TargetDraft;
  types: string[];
  onChange: (target: TargetDraft) => void;
  onRemove?: (() => void) | undefined;
}

/** One address: how it is spoken to, and what proves that it is us. */
export function TargetFields({ title, target, types, onChange, onRemove }: Props) {
  const { t } = useLingui();
  const [touched, setTouched] = useState(false);
  const change = (part: Partial<TargetDraft>) => onChange({ ...target, ...part });
  const fault = addressFault(target.address);
  const message = {
    empty: t`Say where to send to.`,
    form: t`An address begins with https:// or http:// and a host.`,
    credentials: t`A name and password don't belong here: put them in the authorization header.`,
  };
  const names: Record<string, string> = { http: t`HTTP`, slack: t`Slack`, teams: t`Teams` };

  return (
    <fieldset className={classes.target}>
      <legend>{title}</legend>
      <TextInput
        label={t`Address`}
        description={t`A public one, or one in a private network that the registry's administrator allows.`}
        placeholder="https://ci.example.com/hook"
        inputMode="url"
        autoCapitalize="none"
        spellCheck={false}
        value={target.address}
        error={touched && fault && message[fault]}
        onChange={(event) => {
          setTouched(true);
          change({ address: event.currentTarget.value });
        }}
      />
      <Fields>
        <NativeSelect
          label={t`Kind`}
          data={types.map((type) => ({ value: type, label: names[type] ?? type }))}
          value={target.type}
          onChange={(event) => change({ type: event.currentTarget.value })}
        />
        {target.type === "http" && (
          <NativeSelect
            label={t`Body`}
            data={[
              { value: "Default", label: t`Harbor's JSON` },
              { value: "CloudEvents", label: t`CloudEvents 1.0` },
            ]}
            value={target.format}
            onChange={(event) => change({ format: event.currentTarget.value })}
          />
        )}
      </Fields>
      <AuthField secret={target.auth} onChange={(auth) => change({ auth })} />
      <SigningField secret={target.signing} onChange={(signing) => change({ signing })} />
      {isForeign(target) && (
        <p className={classes.bad} role="alert">
          <Trans>
            This is another host. Secrets belong to the one they were given for: enter them again,
            or remove them.
          </Trans>
        </p>
      )}
      <Checkbox
        label={t`Check the certificate of the address`}
        description={t`Leave this on, unless the address has a certificate that nobody vouches for.`}
        checked={target.verify}
        onChange={(event) => change({ verify: event.currentTarget.checked })}
      />
      {onRemove && (
        <div>
          <Button size="xs" variant="default" onClick={onRemove}>
            <Trans>Remove this address</Trans>
          </Button>
        </div>
      )}
    </fieldset>
  );
}
