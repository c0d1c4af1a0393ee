import { useLingui } from "@lingui/react/macro";
import { Menu } from "@mantine/core";
import type { PopupProps } from "../../ui/useOnDemand";
import classes from "./artifacts.module.css";

interface Props extends PopupProps {
  onAdd: (word: string) => void;
}

/** The words that the filter knows, with what they mean. */
export function FilterWords({ button, opened, onChange, onAdd }: Props) {
  const { t } = useLingui();
  const words = [
    { word: "type:image", means: t`only images` },
    { word: "type:chart", means: t`only charts` },
    { word: "signed:yes", means: t`a signature is attached` },
    { word: "signed:no", means: t`no signature is attached` },
    { word: "pushed:<7d", means: t`pushed in the last seven days` },
    { word: "pulled:>90d", means: t`not pulled for ninety days` },
    { word: "tagged:no", means: t`without a tag` },
    { word: "label:production", means: t`with a label, by its name` },
  ];
  return (
    <Menu
      opened={opened}
      onChange={onChange}
      position="bottom-end"
      withinPortal={false}
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown className={classes.words}>
        {words.map(({ word, means }) => (
          <Menu.Item key={word} onClick={() => onAdd(word)}>
            <code>{word}</code> <span className={classes.dim}>{means}</span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
