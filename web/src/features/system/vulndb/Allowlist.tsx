import { Trans, useLingui } from "@lingui/react/macro";
import { Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../../ui/Form";
import { Section } from "../../../ui/Page";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { dayOf, endOf, namesIn } from "./names";
import { type Allowlist as List, useAllowlist, useSaveAllowlist } from "./queries";

/** The vulnerabilities that every project puts up with, unless it has a list of its own. */
export function Allowlist() {
  const { t } = useLingui();
  const list = useAllowlist();
  return (
    <Section title={t`Vulnerabilities that are put up with`}>
      <p className={classes.prose}>
        <Trans>
          They count nowhere in projects that follow this list, and no pull is refused because of
          them. A project may have a list of its own instead.
        </Trans>
      </p>
      <Shown query={list} what={t`The list can't be shown.`}>
        {(data) => <ListForm key={data.update_time} list={data} />}
      </Shown>
    </Section>
  );
}

function ListForm({ list }: { list: List }) {
  const { t } = useLingui();
  const [text, setText] = useState((list.items ?? []).map((each) => each.cve_id).join("\n"));
  const [day, setDay] = useState(dayOf(list.expires_at));
  const save = useSaveAllowlist();
  const names = namesIn(text);
  const odd = names.filter((name) => !/^[A-Za-z]+-[\w:.-]+$/.test(name));
  const over = list.expires_at ? list.expires_at * 1000 < Date.now() : false;
  return (
    <Form
      action={t`Save list`}
      busy={save.isPending}
      disabled={odd.length > 0}
      error={save.error}
      failed={t`The list stays as it was.`}
      done={save.isSuccess ? t`The list is saved.` : undefined}
      onSubmit={() => save.mutate({ names, until: endOf(day) })}
    >
      {over && (
        <p className={classes.warning}>
          <Trans>This list has run out: nothing on it is put up with any more.</Trans>
        </p>
      )}
      <Textarea
        label={t`Names`}
        description={t`Such as CVE-2024-3094; with commas, blanks or lines between them.`}
        error={odd.length > 0 ? t`No name of a vulnerability: ${odd.join(", ")}` : undefined}
        rows={4}
        spellCheck={false}
        value={text}
        onChange={(event) => {
          save.reset();
          setText(event.currentTarget.value);
        }}
      />
      <TextInput
        label={t`Until`}
        description={t`The last day on which it holds; empty for always.`}
        type="date"
        value={day}
        onChange={(event) => {
          save.reset();
          setDay(event.currentTarget.value);
        }}
      />
    </Form>
  );
}
