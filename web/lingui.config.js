import { formatter } from "@lingui/format-po";

export default {
  sourceLocale: "en",
  locales: ["en", "de"],
  catalogs: [{ path: "src/i18n/locales/{locale}", include: ["src"] }],
  format: formatter({ lineNumbers: false, origins: false }),
};
