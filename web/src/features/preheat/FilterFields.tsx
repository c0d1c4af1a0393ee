import { useLingui } from "@lingui/react/macro";
import { Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { Fields } from "../../ui/Form";
import type { Draft } from "./draft";
import { belowWords } from "./words";

interface Props {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
}

/** Which images are meant: all that is said here must hold. */
export function FilterFields({ draft, change }: Props) {
  const { t, i18n } = useLingui();
  return (
    <>
      <Fields>
        <TextInput
          label={t`Repositories`}
          description={t`A pattern such as app/**, without the project.`}
          autoCapitalize="none"
          spellCheck={false}
          value={draft.repository}
          onChange={(event) => change({ repository: event.currentTarget.value })}
        />
        <TextInput
          label={t`Tags`}
          description={t`A pattern such as v*, or semver:>=2.`}
          autoCapitalize="none"
          spellCheck={false}
          value={draft.tag}
          onChange={(event) => change({ tag: event.currentTarget.value })}
        />
        <TextInput
          label={t`Labels`}
          description={t`Commas between them; an image has all of them.`}
          value={draft.label}
          onChange={(event) => change({ label: event.currentTarget.value })}
        />
      </Fields>
      <NativeSelect
        label={t`Vulnerabilities`}
        description={t`An image that wasn't scanned passes only where it doesn't matter.`}
        data={belowWords.map(({ value, title }) => ({
          value: String(value),
          label: i18n._(title),
        }))}
        value={String(draft.below)}
        onChange={(event) => change({ below: Number(event.currentTarget.value) })}
      />
      <Checkbox
        label={t`Signed images only`}
        description={t`As the project's trust policy demands; without one, by anybody.`}
        checked={draft.signed}
        onChange={(event) => change({ signed: event.currentTarget.checked })}
      />
    </>
  );
}
