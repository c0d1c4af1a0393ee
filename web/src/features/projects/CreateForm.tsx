import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Checkbox, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { asProblem } from "../../api/problem";
import { Failed } from "../../ui/states";
import { LimitField } from "../quota/LimitField";
import { bytesOf, type Typed } from "../quota/limit";
import { CacheFields } from "./CacheFields";
import classes from "./CreateProject.module.css";
import { noCache, speedOf } from "./cache";
import { nameFault } from "./name";
import { useCreateProject } from "./queries";

function useNameMessage(name: string, touched: boolean): string | undefined {
  const { t } = useLingui();
  const fault = nameFault(name);
  if (!touched || !fault) return undefined;
  return {
    empty: t`A project needs a name.`,
    long: t`A name has at most 255 characters.`,
    form: t`Lower-case letters and digits, parted by single dots, dashes or underscores.`,
  }[fault];
}

const usual: Typed = { unlimited: false, amount: "", unit: "GiB" };

interface Props {
  administrator: boolean;
  onCreated: (project: string) => void;
}

/** A new project; how much it may hold and of what it is a cache, administrators say. */
export function CreateForm({ administrator, onCreated }: Props) {
  const { t } = useLingui();
  const create = useCreateProject();
  const [name, setName] = useState("");
  const [touched, setTouched] = useState(false);
  const [isPublic, setPublic] = useState(false);
  const [limit, setLimit] = useState(usual);
  const [cache, setCache] = useState(noCache);
  const message = useNameMessage(name, touched);
  const taken = create.isError && asProblem(create.error).status === 409;
  const speed = speedOf(cache);
  const wrong =
    (limit.amount !== "" && bytesOf(limit) === undefined) || (!!cache.registry && !speed.ok);

  function submit(event: FormEvent) {
    event.preventDefault();
    setTouched(true);
    if (nameFault(name) || wrong) return;
    create.mutate(
      {
        name,
        isPublic,
        limit: bytesOf(limit),
        registry: Number(cache.registry) || undefined,
        speed: speed.value,
      },
      { onSuccess: () => onCreated(name) },
    );
  }

  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <TextInput
        label={t`Name`}
        description={t`The first part of every image name in it: my-team/my-app`}
        data-autofocus
        autoCapitalize="none"
        spellCheck={false}
        value={name}
        error={taken ? t`There is a project of this name already. Choose another.` : message}
        onChange={(event) => {
          setName(event.currentTarget.value);
          setTouched(true);
          create.reset();
        }}
      />
      <Checkbox
        label={t`Public`}
        description={t`Everyone may pull from it, without signing in`}
        checked={isPublic}
        onChange={(event) => setPublic(event.currentTarget.checked)}
      />
      {administrator && (
        <>
          <LimitField
            value={limit}
            onChange={setLimit}
            optional={t`Empty for what is usual in this registry.`}
          />
          <CacheFields value={cache} onChange={setCache} />
        </>
      )}
      {create.isError && !taken && (
        <Failed what={t`The project was not created.`} error={create.error} />
      )}
      <Button type="submit" loading={create.isPending} disabled={wrong}>
        <Trans>Create project</Trans>
      </Button>
    </form>
  );
}
