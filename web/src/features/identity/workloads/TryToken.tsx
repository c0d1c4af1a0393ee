import { Trans, useLingui } from "@lingui/react/macro";
import { Textarea } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../../ui/Form";
import { Section } from "../../../ui/Page";
import classes from "../identity.module.css";
import { StepList } from "../signin/StepList";
import { claimsOf } from "./claims";
import { useTryClaims, type Verdict } from "./queries";

/** Asks which policies fit a token, and why the others don't. */
export function TryToken({ project }: { project: string }) {
  const { t } = useLingui();
  const trial = useTryClaims(project);
  const [text, setText] = useState("");
  const claims = claimsOf(text);
  const bad = text.trim() !== "" && !claims;
  return (
    <Section title={t`Test a token`}>
      <Form
        action={t`Test the token`}
        onSubmit={() => claims && trial.mutate(claims)}
        busy={trial.isPending}
        disabled={!claims}
        error={trial.error}
        failed={t`The token was not tested.`}
      >
        <Textarea
          className={classes.code}
          label={t`Token, or its claims as JSON`}
          description={t`Only what the token says is sent, never its signature: nobody can use it. Whether the signature is right is not tested.`}
          rows={5}
          autoComplete="off"
          spellCheck={false}
          value={text}
          error={bad ? t`This is neither a token nor a JSON object.` : undefined}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      </Form>
      <div role="status">{trial.data !== undefined && <Verdicts all={trial.data ?? []} />}</div>
    </Section>
  );
}

function Verdicts({ all }: { all: Verdict[] }) {
  const { t } = useLingui();
  if (all.length === 0) {
    return (
      <p>
        <Trans>There is no policy to ask.</Trans>
      </p>
    );
  }
  return (
    <StepList
      words={{ done: t`lets it in`, failed: t`doesn't fit`, untried: "" }}
      steps={all.map(({ policy, fits, reason }) => ({
        title: policy,
        outcome: fits ? "done" : "failed",
        ...(reason && { why: reason }),
      }))}
    />
  );
}
