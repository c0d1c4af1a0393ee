import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox, Textarea } from "@mantine/core";
import parts from "../parts/parts.module.css";

interface Draft {
  url: string;
  insecure: boolean;
  authorities: string;
}

interface Props {
  draft: Draft;
  onChange: (part: Partial<Draft>) => void;
}

/** By what the other side's certificate is believed, with a warning where it isn't looked at. */
export function TlsFields({ draft, onChange }: Props) {
  const { t } = useLingui();
  if (draft.url.trim().startsWith("http://"))
    return (
      <p className={parts.warning}>
        <Trans>
          This address is not encrypted: whoever is between the two reads the secret and can change
          the images. Use https:// outside of a network that you trust.
        </Trans>
      </p>
    );
  return (
    <>
      <Checkbox
        label={t`Don't check its certificate`}
        checked={draft.insecure}
        onChange={(event) => onChange({ insecure: event.currentTarget.checked })}
      />
      {draft.insecure ? (
        <p className={parts.warning}>
          <Trans>
            Anybody between the two can pretend to be this registry, read the secret and change the
            images. Better enter the certificate of its authority.
          </Trans>
        </p>
      ) : (
        <Textarea
          label={t`Certificate of its authority`}
          description={t`PEM; only where the system's own authorities don't know it.`}
          placeholder="-----BEGIN CERTIFICATE-----"
          rows={3}
          spellCheck={false}
          value={draft.authorities}
          onChange={(event) => onChange({ authorities: event.currentTarget.value })}
        />
      )}
    </>
  );
}
