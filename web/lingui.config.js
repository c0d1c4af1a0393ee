import { formatter } from "@lingui/format-po";

export default {
  sourceLocale: "en",
  locales: ["en", "de"],
  catalogs: [{ path: "src/i18n/locales/{locale}", include: ["src"] }],
  // The origins say in which part of the texts a message is: scripts/parts.mjs.
  format: formatter({ lineNumbers: false }),
};
