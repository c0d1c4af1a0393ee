import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { Button, Textarea } from "@mantine/core";
import { useState } from "react";
import { cvesIn } from "./cves";
import classes from "./scanning.module.css";

/** Takes names of vulnerabilities out of any text. */
export function AddCves({ known, onAdd }: { known: string[]; onAdd: (more: string[]) => void }) {
  const { t } = useLingui();
  const [text, setText] = useState("");
  const found = cvesIn(text, known);
  return (
    <div className={classes.box}>
      <Textarea
        label={t`Add vulnerabilities`}
        description={t`Type or paste their names, with anything between them.`}
        placeholder="CVE-2024-3094, GHSA-…"
        rows={2}
        spellCheck={false}
        value={text}
        error={text.trim() !== "" && found.length === 0 && t`No name in this is new.`}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <div className={classes.row}>
        <Button
          size="xs"
          variant="default"
          disabled={found.length === 0}
          onClick={() => {
            onAdd(found);
            setText("");
          }}
        >
          {found.length === 0 ? (
            <Trans>Add to the list</Trans>
          ) : (
            <Plural value={found.length} one="Add # to the list" other="Add # to the list" />
          )}
        </Button>
        <span className={classes.dim}>
          <Trans>It holds once the allowlist is saved.</Trans>
        </span>
      </div>
    </div>
  );
}
