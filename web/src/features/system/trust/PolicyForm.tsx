import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Textarea } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../../ui/Form";
import classes from "../parts/parts.module.css";
import { readDocument } from "./document";
import { InWords } from "./InWords";
import { useSetPolicy } from "./queries";

const example = `{
  "signers": [
    {"name": "ci", "keys": ["-----BEGIN PUBLIC KEY-----\\n…\\n-----END PUBLIC KEY-----\\n"]}
  ],
  "require": {"signed_by": "ci"}
}`;

/** The policy as JSON, with what it says in words, and what is wrong with it while it is typed. */
export function PolicyForm({ document }: { document: Record<string, unknown> | undefined }) {
  const { t } = useLingui();
  const [text, setText] = useState(document ? JSON.stringify(document, null, 2) : "");
  const save = useSetPolicy();
  const read = text.trim() === "" ? undefined : readDocument(text);
  const fault = read && "fault" in read ? read : undefined;
  const good = read && "document" in read ? read.document : undefined;
  const where = fault?.line === undefined ? "" : ` (${t`line ${fault.line}`})`;
  return (
    <Form
      action={t`Save policy`}
      busy={save.isPending}
      disabled={!good}
      error={save.error}
      failed={t`The policy stays as it was.`}
      done={save.isSuccess ? t`The policy is saved; all signatures are looked at anew.` : undefined}
      onSubmit={() => good && save.mutate(good as Record<string, unknown>)}
      more={
        text.trim() === "" && (
          <Button variant="default" onClick={() => setText(example)}>
            <Trans>Begin with an example</Trans>
          </Button>
        )
      }
    >
      <Textarea
        label={t`Policy`}
        description={t`Known fields: signers, roots, require, signed_before_tag.`}
        classNames={{ input: classes.code }}
        rows={14}
        spellCheck={false}
        placeholder={t`There is no policy: a signature by anybody is enough.`}
        error={fault ? t`This is no JSON: ${fault.fault}${where}` : undefined}
        value={text}
        onChange={(event) => {
          save.reset();
          setText(event.currentTarget.value);
        }}
      />
      {good && <InWords document={good} />}
    </Form>
  );
}
