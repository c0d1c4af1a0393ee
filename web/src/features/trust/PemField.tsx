import { Trans, useLingui } from "@lingui/react/macro";
import { Button, FileButton, Textarea } from "@mantine/core";
import classes from "./policy.module.css";

interface Props {
  label: string;
  /** What stands behind BEGIN. */
  kind: string;
  value: string;
  onChange: (value: string) => void;
  onRemove?: () => void;
}

/** A key or certificates in PEM: pasted, or from a file. */
export function PemField({ label, kind, value, onChange, onRemove }: Props) {
  const { t } = useLingui();
  const wrong = value.trim() !== "" && !value.includes(`-----BEGIN ${kind}`);
  return (
    <div className={classes.inner}>
      <Textarea
        label={label}
        classNames={{ input: classes.mono ?? "" }}
        placeholder={`-----BEGIN ${kind}-----`}
        rows={3}
        spellCheck={false}
        value={value}
        error={wrong && t`This begins with -----BEGIN ${kind}-----.`}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <div className={classes.row}>
        <FileButton
          accept=".pem,.pub,.crt,.cer,text/plain"
          onChange={async (file) => file && onChange(await file.text())}
        >
          {(props) => (
            <Button {...props} size="xs" variant="default">
              <Trans>Read from a file</Trans>
            </Button>
          )}
        </FileButton>
        {onRemove && (
          <Button size="xs" variant="subtle" onClick={onRemove}>
            <Trans>Remove</Trans>
          </Button>
        )}
      </div>
    </div>
  );
}
