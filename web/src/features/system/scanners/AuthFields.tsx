import { useLingui } from "@lingui/react/macro";
import { NativeSelect, PasswordInput } from "@mantine/core";
import { auths, type Draft, type Scanner } from "./queries";

interface Props {
  draft: Draft;
  stored: Scanner | undefined;
  onChange: (part: Partial<Draft>) => void;
}

/** How a scanner knows that it is Haven that asks. */
export function AuthFields({ draft, stored, onChange }: Props) {
  const { t } = useLingui();
  const labels: Record<string, string> = {
    "": t`Nothing: it answers anybody`,
    Basic: t`Name and password (Basic)`,
    Bearer: t`A token (Bearer)`,
    "X-ScannerAdapter-API-Key": t`An API key`,
  };
  const kept = stored?.auth === draft.auth && stored?.url === draft.url.trim();
  const form = draft.auth === "Basic" ? t`Written as name:password` : undefined;
  return (
    <>
      <NativeSelect
        label={t`It knows Haven by`}
        value={draft.auth}
        data={auths.map((value) => ({ value, label: labels[value] ?? value }))}
        onChange={(event) => onChange({ auth: event.currentTarget.value })}
      />
      {draft.auth !== "" && (
        <PasswordInput
          label={t`Credential`}
          description={kept ? t`Empty: the credential that is stored stays.` : form}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ "aria-label": t`Show secret`, tabIndex: 0 }}
          value={draft.credential}
          onChange={(event) => onChange({ credential: event.currentTarget.value })}
        />
      )}
    </>
  );
}
