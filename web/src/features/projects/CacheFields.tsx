import { useLingui } from "@lingui/react/macro";
import { NativeSelect, TextInput } from "@mantine/core";
import { type Cache, speedOf } from "./cache";
import { useRegistries } from "./queries";

interface Props {
  value: Cache;
  onChange: (value: Cache) => void;
}

/** Of which registry elsewhere a new project is a cache, and how fast it may fetch. */
export function CacheFields({ value, onChange }: Props) {
  const { t } = useLingui();
  const registries = useRegistries(true);
  const choices = (registries.data ?? []).filter((registry) => registry.id);
  if (choices.length === 0) return null;
  return (
    <>
      <NativeSelect
        label={t`Cache of`}
        description={t`It fetches from there what is pulled, and nobody pushes to it. This can't be changed later.`}
        data={[
          { value: "", label: t`nothing: an ordinary project` },
          ...choices.map(({ id, name, url }) => ({ value: String(id), label: `${name} (${url})` })),
        ]}
        value={value.registry}
        onChange={(event) => onChange({ ...value, registry: event.currentTarget.value })}
      />
      {value.registry && (
        <TextInput
          label={t`Bandwidth`}
          description={t`KiB a second that it may fetch. Empty for as fast as it can.`}
          inputMode="numeric"
          value={value.speed}
          error={speedOf(value).ok ? undefined : t`A whole number above 0.`}
          onChange={(event) => onChange({ ...value, speed: event.currentTarget.value })}
        />
      )}
    </>
  );
}
