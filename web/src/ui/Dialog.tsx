import { useLingui } from "@lingui/react/macro";
import { Modal } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./Dialog.module.css";

interface Props {
  title: string;
  opened: boolean;
  onClose: () => void;
  /** Its width in pixels; that of a form without. */
  size?: number;
  /** It stands at the top, so that it may grow below without moving. */
  top?: boolean;
  children: ReactNode;
}

/** A dialog over the page. Its head is no header element: a page has one banner. */
export function Dialog({ title, opened, onClose, size, top, children }: Props) {
  const { t } = useLingui();
  return (
    <Modal.Root opened={opened} onClose={onClose} centered={!top} size={size ?? "md"}>
      <Modal.Overlay color="#000" backgroundOpacity={0.5} />
      <Modal.Content classNames={{ content: classes.content ?? "" }}>
        <div className={classes.head}>
          <Modal.Title className={classes.title}>{title}</Modal.Title>
          <Modal.CloseButton aria-label={t`Close`} />
        </div>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
