import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { type Column, DataTable } from "../../../ui/DataTable";
import { Failed } from "../../../ui/states";
import classes from "../identity.module.css";
import { type DirectoryUser, type Imported, useImport, useSearchDirectory } from "./queries";

/** Looks for people in the directory, and makes accounts for them before they come. */
export function DirectoryPeople({ configured }: { configured: boolean }) {
  const { t } = useLingui();
  const search = useSearchDirectory();
  const [name, setName] = useState("");
  if (!configured) return null;

  function submit(event: FormEvent) {
    event.preventDefault();
    search.mutate(name.trim());
  }

  return (
    <fieldset className={classes.part}>
      <legend>
        <Trans>People in the directory</Trans>
      </legend>
      <div className={classes.form}>
        <p className={classes.dim}>
          <Trans>
            The first log-in makes an account. Import people to give them roles before. The search
            uses the saved settings.
          </Trans>
        </p>
        <form className={classes.bar} onSubmit={submit}>
          <TextInput
            aria-label={t`User name in the directory`}
            placeholder={t`User name, * for any text`}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Button type="submit" variant="default" loading={search.isPending}>
            <Trans>Search the directory</Trans>
          </Button>
        </form>
        {search.isError && (
          <Failed what={t`The directory was not searched.`} error={search.error} />
        )}
        {search.isSuccess && <Found people={search.data ?? []} />}
      </div>
    </fieldset>
  );
}

function Found({ people }: { people: DirectoryUser[] }) {
  const { t } = useLingui();
  const [chosen, setChosen] = useState<Set<string>>(new Set());
  const imports = useImport();
  const columns: Column<DirectoryUser>[] = [
    { key: "name", title: t`User name`, names: true, cell: (person) => person.username },
    { key: "real", title: t`Name`, cell: (person) => person.realname || "–" },
    { key: "email", title: t`E-mail`, cell: (person) => person.email || "–" },
  ];
  if (people.length === 0) {
    return (
      <p role="status">
        <Trans>Nobody in the directory has this user name.</Trans>
      </p>
    );
  }
  return (
    <>
      <DataTable
        caption={t`People in the directory`}
        columns={columns}
        rows={people}
        rowKey={(person) => person.username ?? ""}
        selection={{
          chosen,
          onChange: setChosen,
          label: (person) => t`Choose ${person.username ?? ""}`,
        }}
      />
      <div className={classes.bar}>
        <Button
          disabled={chosen.size === 0}
          loading={imports.isPending}
          onClick={() => imports.mutate([...chosen], { onSuccess: () => setChosen(new Set()) })}
        >
          <Plural value={chosen.size} one="Import # person" other="Import # people" />
        </Button>
      </div>
      {imports.isError && <Failed what={t`Nobody was imported.`} error={imports.error} />}
      {imports.data && <Told imported={imports.data} />}
    </>
  );
}

function Told({ imported }: { imported: Imported }) {
  const { t } = useLingui();
  const reasons: Record<string, string> = {
    empty_uid: t`no user name`,
    unknown_user: t`not in the directory`,
  };
  return (
    <div role="status" className={classes.tight}>
      <p>
        <Plural
          value={imported.made}
          one="# person has an account now."
          other="# people have an account now."
        />
      </p>
      {imported.failed.map(({ uid, error = "" }) => (
        <p key={uid} className={classes.bad}>
          {uid}: {reasons[error] ?? error}
        </p>
      ))}
    </div>
  );
}
