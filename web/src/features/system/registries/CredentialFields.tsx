import { useLingui } from "@lingui/react/macro";
import { PasswordInput, Textarea, TextInput } from "@mantine/core";
import parts from "../parts/parts.module.css";
import { credentialHelp } from "./credentials";
import { type Draft, isSameAddress, type KindInfo, type Registry } from "./queries";

interface Props {
  draft: Draft;
  info: KindInfo | undefined;
  stored: Registry | undefined;
  onChange: (part: Partial<Draft>) => void;
}

/** As whom Haven comes, in the form that the kind of registry wants. */
export function CredentialFields({ draft, info, stored, onChange }: Props) {
  const { t, i18n } = useLingui();
  const help = credentialHelp[draft.type];
  const kept = !!stored?.credential?.access_secret;
  const description = !kept
    ? undefined
    : isSameAddress(draft, stored)
      ? t`Empty: the secret that is stored stays.`
      : t`The stored secret belongs to the former address. Enter it again.`;
  const file = info?.credential_pattern?.access_secret_type === "AccessSecretTypeFile";
  return (
    <div className={parts.stack}>
      <TextInput
        label={t`Access key`}
        description={help && i18n._(help)}
        autoComplete="off"
        spellCheck={false}
        value={draft.accessKey}
        onChange={(event) => onChange({ accessKey: event.currentTarget.value })}
      />
      {file ? (
        <Textarea
          label={t`Access secret`}
          description={description ?? t`The content of the JSON file`}
          rows={3}
          spellCheck={false}
          value={draft.accessSecret}
          onChange={(event) => onChange({ accessSecret: event.currentTarget.value })}
        />
      ) : (
        <PasswordInput
          label={t`Access secret`}
          description={description}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ "aria-label": t`Show secret`, tabIndex: 0 }}
          value={draft.accessSecret}
          onChange={(event) => onChange({ accessSecret: event.currentTarget.value })}
        />
      )}
    </div>
  );
}
