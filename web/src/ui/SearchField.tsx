import { useLingui } from "@lingui/react/macro";
import { CloseButton, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";

interface Props {
  label: string;
  /** What is searched for now, as the address says. */
  value: string;
  onSearch: (text: string) => void;
}

/** Filters a listing while typing. The address follows after a short pause. */
export function SearchField({ label, value, onSearch }: Props) {
  const { t } = useLingui();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const [seen, setSeen] = useState(value);

  // The address changed by other means than typing: going back, following a link.
  if (seen !== value) {
    setSeen(value);
    if (document.activeElement !== field.current) setText(value);
  }

  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onSearch(text), 250);
    return () => clearTimeout(timer);
  }, [text, value, onSearch]);

  return (
    <TextInput
      ref={field}
      type="search"
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={
        text && <CloseButton size="sm" aria-label={t`Clear`} onClick={() => setText("")} />
      }
    />
  );
}
