import { useLingui } from "@lingui/react/macro";
import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import type { KeyboardEvent } from "react";

export const listId = "palette-list";
export const lineId = (index: number) => `palette-line-${index}`;

interface Props {
  value: string;
  /** The line that Enter takes. */
  active: number | undefined;
  onChange: (text: string) => void;
  onKeyDown: (event: KeyboardEvent) => void;
}

/** Where one types; it commands the list below. */
export function PaletteField({ value, active, onChange, onKeyDown }: Props) {
  const { t } = useLingui();
  return (
    <TextInput
      data-autofocus
      role="combobox"
      aria-label={t`Search everywhere`}
      aria-autocomplete="list"
      aria-expanded
      aria-controls={listId}
      aria-activedescendant={active === undefined ? undefined : lineId(active)}
      placeholder={t`A name, a tag, a digest, or a whole docker pull`}
      autoComplete="off"
      autoCapitalize="none"
      spellCheck={false}
      size="md"
      leftSection={<IconSearch size={18} aria-hidden />}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={onKeyDown}
    />
  );
}
