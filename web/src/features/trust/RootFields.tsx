import { Trans, useLingui } from "@lingui/react/macro";
import { Button, FileButton, TextInput } from "@mantine/core";
import { useState } from "react";
import { useNotices } from "../../ui/Notices";
import type { Root } from "./document";
import classes from "./policy.module.css";

interface Props {
  roots: Record<string, Root>;
  onChange: (roots: Record<string, Root>) => void;
}

/** What keyless identities are verified by: Sigstore's trusted_root.json, by a name. */
export function RootFields({ roots, onChange }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const [name, setName] = useState("sigstore");
  const names = Object.keys(roots);

  async function take(file: File | null) {
    if (!file) return;
    try {
      const trusted_root = JSON.parse(await file.text()) as unknown;
      onChange({ ...roots, [name]: { trusted_root } });
    } catch {
      say(t`${file.name} is not JSON.`);
    }
  }

  return (
    <fieldset className={classes.card}>
      <legend>
        <Trans>Roots of keyless identities</Trans>
      </legend>
      {names.length === 0 && (
        <p className={classes.dim}>
          <Trans>None. Only keyless identities need one.</Trans>
        </p>
      )}
      <ul className={classes.box}>
        {names.map((each) => (
          <li key={each} className={classes.row}>
            <strong>{each}</strong>
            <Button
              size="xs"
              variant="subtle"
              aria-label={t`Remove root ${each}`}
              onClick={() =>
                onChange(Object.fromEntries(Object.entries(roots).filter(([key]) => key !== each)))
              }
            >
              <Trans>Remove</Trans>
            </Button>
          </li>
        ))}
      </ul>
      <TextInput
        label={t`Name of the root`}
        spellCheck={false}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <div className={classes.row}>
        <FileButton accept=".json,application/json" onChange={take}>
          {(props) => (
            <Button {...props} size="xs" variant="default" disabled={name === ""}>
              <Trans>Read trusted_root.json</Trans>
            </Button>
          )}
        </FileButton>
      </div>
    </fieldset>
  );
}
