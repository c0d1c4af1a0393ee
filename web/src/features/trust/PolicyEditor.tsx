import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Checkbox, Textarea } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { Form } from "../../ui/Form";
import { changed, type Document, parse, type Signer, write } from "./document";
import classes from "./policy.module.css";
import { useChangePolicy } from "./queries";
import { RequireFields } from "./RequireFields";
import { RootFields } from "./RootFields";
import { SignerFields } from "./SignerFields";

interface Props {
  project: string;
  /** The document as it is; nothing where there is none yet. */
  start: unknown;
  done: string | undefined;
  onSaved: () => void;
}

const blank: Document = { signers: [{ name: "ci", keys: [""] }] };

/** A policy as forms and as its JSON: both change the same text. */
export function PolicyEditor({ project, start, done, onSaved }: Props) {
  const { t } = useLingui();
  const [text, setText] = useState(() => write((start ?? blank) as Document));
  const change = useChangePolicy(project);
  const document = parse(text);
  const signers = document?.signers ?? [];
  const put = (part: Partial<Document>) => document && setText(write(changed(document, part)));
  const putSigner = (place: number, signer: Signer | undefined) =>
    put({
      signers: signers.flatMap((each, at) => (at !== place ? [each] : signer ? [signer] : [])),
    });

  return (
    <Form
      wide
      onSubmit={() => document && change.mutate({ ...document }, { onSuccess: onSaved })}
      action={t`Save policy`}
      busy={change.isPending}
      disabled={!document}
      error={change.error}
      failed={t`The policy was not saved.`}
      done={done}
    >
      <div className={classes.editor}>
        {document ? (
          <div className={classes.box}>
            {signers.map((signer, place) => (
              <SignerFields
                // biome-ignore lint/suspicious/noArrayIndexKey: names change while they are typed
                key={place}
                signer={signer}
                roots={Object.keys(document.roots ?? {})}
                onChange={(next) => putSigner(place, next)}
                onRemove={() => putSigner(place, undefined)}
              />
            ))}
            <div>
              <Button
                size="xs"
                variant="default"
                leftSection={<IconPlus size={16} aria-hidden />}
                onClick={() => put({ signers: [...signers, { name: "", keys: [""] }] })}
              >
                <Trans>Add signer</Trans>
              </Button>
            </div>
            <RootFields
              roots={document.roots ?? {}}
              onChange={(roots) =>
                put({ roots: Object.keys(roots).length > 0 ? roots : undefined } as Document)
              }
            />
            <RequireFields
              require={document.require}
              signers={signers.map((signer) => signer.name)}
              onChange={(require) => put({ require } as Document)}
            />
            <Checkbox
              label={t`Nothing gets a tag before it fulfils the policy`}
              description={t`Images are pushed by digest, signed, and tagged then.`}
              checked={document.signed_before_tag ?? false}
              onChange={(event) =>
                put({ signed_before_tag: event.currentTarget.checked || undefined } as Document)
              }
            />
          </div>
        ) : (
          <p role="alert">
            <Trans>
              The text beside isn't a policy yet, so there are no fields for it. Correct it, or undo
              what you typed.
            </Trans>
          </p>
        )}
        <Textarea
          className={classes.json ?? ""}
          classNames={{ input: classes.mono ?? "" }}
          label={t`The same as JSON`}
          description={t`What the fields don't know stays as it is here.`}
          rows={24}
          spellCheck={false}
          value={text}
          error={!document && t`This is not the JSON of a policy.`}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      </div>
    </Form>
  );
}
