import { useLingui } from "@lingui/react/macro";
import { NativeSelect, PasswordInput, TextInput } from "@mantine/core";
import type { Draft, Instance, Mode } from "./queries";

interface Props {
  draft: Draft;
  stored: Instance | undefined;
  onChange: (part: Partial<Draft>) => void;
}

/** As whom Haven tells a network of peers of images. */
export function AuthFields({ draft, stored, onChange }: Props) {
  const { t } = useLingui();
  const kept = stored?.endpoint === draft.endpoint.trim() && stored?.auth_mode === draft.mode;
  const who = draft.mode === "CUSTOM" ? t`Name of the header` : t`User name`;
  const secret = {
    NONE: "",
    BASIC: t`Password`,
    OAUTH: t`Token`,
    CUSTOM: t`Value of the header`,
  }[draft.mode];
  return (
    <>
      <NativeSelect
        label={t`It knows Haven by`}
        value={draft.mode}
        data={[
          { value: "NONE", label: t`Nothing: it answers anybody` },
          { value: "OAUTH", label: t`A token (Bearer)` },
          { value: "BASIC", label: t`Name and password (Basic)` },
          { value: "CUSTOM", label: t`A header of its own` },
        ]}
        onChange={(event) => onChange({ mode: event.currentTarget.value as Mode })}
      />
      {(draft.mode === "BASIC" || draft.mode === "CUSTOM") && (
        <TextInput
          label={who}
          autoComplete="off"
          value={draft.who}
          onChange={(event) => onChange({ who: event.currentTarget.value })}
        />
      )}
      {draft.mode !== "NONE" && (
        <PasswordInput
          label={secret}
          description={kept ? t`Empty: the credential that is stored stays.` : undefined}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ "aria-label": t`Show secret`, tabIndex: 0 }}
          value={draft.secret}
          onChange={(event) => onChange({ secret: event.currentTarget.value })}
        />
      )}
    </>
  );
}
