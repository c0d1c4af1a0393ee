import { useLingui } from "@lingui/react/macro";
import { Tabs } from "@mantine/core";
import { useState } from "react";
import { Command } from "./Command";
import classes from "./CommandTabs.module.css";
import { recall, remember } from "./storage";
import tabs from "./Tabs.module.css";

export interface Step {
  /** What the command does, in a few words. */
  title?: string;
  command: string;
}

export interface Tool {
  name: string;
  steps: Step[];
}

/** The same task in several tools. The tool chosen last is shown first next time. */
export function CommandTabs({ tools, label }: { tools: Tool[]; label: string }) {
  const { t } = useLingui();
  const [chosen, setChosen] = useState(() => recall("tool"));
  const shown = tools.some((tool) => tool.name === chosen) ? chosen : tools[0]?.name;

  function choose(name: string | null) {
    if (!name) return;
    remember("tool", name);
    setChosen(name);
  }

  return (
    <Tabs
      value={shown ?? null}
      onChange={choose}
      keepMounted={false}
      classNames={{ tab: tabs.tab, list: tabs.list }}
    >
      <Tabs.List aria-label={t`Tool for: ${label}`}>
        {tools.map((tool) => (
          <Tabs.Tab key={tool.name} value={tool.name}>
            {tool.name}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tools.map((tool) => (
        <Tabs.Panel key={tool.name} value={tool.name}>
          <ol className={classes.steps}>
            {tool.steps.map((step) => (
              <li key={step.command}>
                <Command text={step.command} title={step.title} />
              </li>
            ))}
          </ol>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
