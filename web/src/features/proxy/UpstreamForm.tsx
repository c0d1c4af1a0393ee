import { useLingui } from "@lingui/react/macro";
import { Checkbox, NativeSelect, NumberInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { Fields, Form } from "../../ui/Form";
import { useNotices } from "../../ui/Notices";
import classes from "./proxy.module.css";
import { useSaveMetadata } from "./queries";
import { metadataOf, type Upstream, upstreamOf } from "./upstream";

interface Props {
  project: string;
  metadata: Record<string, string>;
  readOnly: boolean;
}

/** What is fetched from the registry elsewhere, and how much of it at a time. */
export function UpstreamForm({ project, metadata, readOnly }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const save = useSaveMetadata(project);
  const [draft, setDraft] = useState<Upstream>();
  const stored = upstreamOf(metadata);
  const upstream = draft ?? stored;
  const change = (part: Partial<Upstream>) => setDraft({ ...upstream, ...part });

  function submit() {
    save.mutate(metadataOf(upstream), {
      onSuccess: () => {
        setDraft(undefined);
        say(t`What is fetched was saved.`, () => save.mutateAsync(metadataOf(stored)));
      },
    });
  }

  return (
    <Form
      onSubmit={submit}
      action={t`Save what is fetched`}
      busy={save.isPending}
      disabled={readOnly || !draft || JSON.stringify(draft) === JSON.stringify(stored)}
      error={save.error}
      failed={t`What is fetched was not saved.`}
    >
      <fieldset className={classes.fieldset} disabled={readOnly}>
        <Bounds upstream={upstream} change={change} />
        <Filter upstream={upstream} change={change} />
        <Checkbox
          label={t`Fetch signatures and other attachments, too`}
          description={t`By the referrers API of the registry.`}
          checked={upstream.referrers}
          onChange={(event) => change({ referrers: event.currentTarget.checked })}
        />
        <Checkbox
          label={t`Serve what is here when the registry has lost it`}
          description={t`Otherwise it is refused with 404, as Harbor does.`}
          checked={upstream.localOnNotFound}
          onChange={(event) => change({ localOnNotFound: event.currentTarget.checked })}
        />
      </fieldset>
    </Form>
  );
}

interface PartProps {
  upstream: Upstream;
  change: (part: Partial<Upstream>) => void;
}

const shown = (bound: number) => (bound > 0 ? bound : "");
const bound = (value: string | number) => (Number(value) > 0 ? Number(value) : -1);

function Bounds({ upstream, change }: PartProps) {
  const { t } = useLingui();
  return (
    <Fields>
      <NumberInput
        label={t`KB per second of each connection`}
        placeholder={t`no limit`}
        allowDecimal={false}
        allowNegative={false}
        max={2_147_483_647}
        clampBehavior="strict"
        value={shown(upstream.speed)}
        onChange={(value) => change({ speed: bound(value) })}
      />
      <NumberInput
        label={t`Connections for blobs at a time`}
        placeholder={t`no limit`}
        allowDecimal={false}
        allowNegative={false}
        max={2_147_483_647}
        clampBehavior="strict"
        value={shown(upstream.connections)}
        onChange={(value) => change({ connections: bound(value) })}
      />
    </Fields>
  );
}

function Filter({ upstream, change }: PartProps) {
  const { t } = useLingui();
  return (
    <Fields>
      <TextInput
        label={t`Only repositories of this name there`}
        placeholder={t`all of them`}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={1024}
        value={upstream.filter}
        onChange={(event) => change({ filter: event.currentTarget.value })}
      />
      <NativeSelect
        label={t`The name is`}
        data={[
          { value: "doublestar", label: t`a pattern, such as library/**` },
          { value: "regex", label: t`a regular expression` },
        ]}
        value={upstream.filterKind}
        onChange={(event) =>
          change({ filterKind: event.currentTarget.value as Upstream["filterKind"] })
        }
      />
    </Fields>
  );
}
