import { Trans, useLingui } from "@lingui/react/macro";
import { Button, TextInput } from "@mantine/core";
import { useId, useState } from "react";
import { useProjects } from "../projects/queries";
import classes from "./Places.module.css";

/** A field that proposes projects while typing, and a button that takes one. */
export function AddProject({ onAdd }: { onAdd: (name: string) => void }) {
  const { t } = useLingui();
  const list = useId();
  const [name, setName] = useState("");
  const projects = useProjects({ q: name.trim(), page: 1 });
  const clean = name.trim();

  function add() {
    if (!clean) return;
    onAdd(clean);
    setName("");
  }

  return (
    <div className={classes.adder}>
      <TextInput
        aria-label={t`Name of a project`}
        placeholder={t`Name of a project`}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        list={list}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault(); // the form around it isn't ready yet
          add();
        }}
      />
      <datalist id={list}>
        {projects.data?.items.map((project) => (
          <option key={project.project_id} value={project.name} />
        ))}
      </datalist>
      <Button variant="default" disabled={!clean} onClick={add}>
        <Trans>Add project</Trans>
      </Button>
    </div>
  );
}
