import { useLingui } from "@lingui/react/macro";
import { IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schema } from "../../api/client";
import { systemInfoQuery } from "../../api/systeminfo";
import { plain } from "../../ui/plain";
import { recall, remember } from "../../ui/storage";
import classes from "./BannerLine.module.css";
import { readBanner } from "./banner";

const messageOf = (info: Schema["GeneralInfo"]) => info.banner_message ?? "";

/** What administrators tell everybody, until it is closed; another message is shown again. */
export function BannerLine() {
  const { t } = useLingui();
  const [closed, setClosed] = useState(() => recall("banner"));
  const text = useQuery({ ...systemInfoQuery, select: messageOf }).data;
  const banner = readBanner(text);
  if (!banner || !text || (banner.closable && closed === text)) return null;

  function close() {
    if (!text) return;
    remember("banner", text);
    setClosed(text);
  }

  return (
    <div className={classes.banner} role="status" data-tone={banner.tone}>
      <p>{plain(banner.message)}</p>
      {banner.closable && (
        <button type="button" aria-label={t`Close the message`} onClick={close}>
          <IconX size={16} aria-hidden />
        </button>
      )}
    </div>
  );
}
