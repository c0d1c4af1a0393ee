import { transformAsync } from "@babel/core";
import { createCompiledCatalog, getCatalogs } from "@lingui/cli/api";
import { getConfig } from "@lingui/conf";
import { lingui } from "@lingui/vite-plugin";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { belongs, parts } from "./scripts/parts.mjs";

/** Turns the text macros (`t`, `<Trans>`) into calls. Only files that import them are parsed. */
function textMacros(): Plugin {
  return {
    name: "text-macros",
    enforce: "pre",
    async transform(code, id) {
      if (id.includes("node_modules") || !/\.tsx?$/.test(id) || !code.includes("/macro")) return;
      const out = await transformAsync(code, {
        filename: id,
        configFile: false,
        babelrc: false,
        sourceMaps: true,
        parserOpts: { plugins: ["typescript", "jsx"] },
        plugins: ["@lingui/babel-plugin-lingui-macro"],
      });
      return out?.code ? { code: out.code, map: out.map } : undefined;
    },
  };
}

/** Compiles the texts of one part of the pages: `de.po?part=main`. */
function textParts(): Plugin {
  const config = getConfig();
  return {
    name: "text-parts",
    async load(id) {
      const found = /\/(\w+)\.po\?part=(\w+)$/.exec(id);
      if (!found) return;
      const [, locale = "", part = ""] = found;
      const [catalog] = await getCatalogs(config);
      const texts = await catalog?.read(locale);
      if (!texts) throw new Error(`there are no texts for ${id}`);
      const all = parts();
      const messages = Object.fromEntries(
        Object.entries(texts)
          .filter(([, { origin }]) =>
            belongs(
              (origin ?? []).map(([file]) => file),
              part,
              all,
            ),
          )
          .map(([key, { translation, message }]) => [key, translation || message || key]),
      );
      const { source, errors } = createCompiledCatalog(locale, messages, { namespace: "es" });
      if (errors.length > 0) throw new Error(`${id}: ${errors.map(String).join("; ")}`);
      return { code: source, map: null, moduleType: "js" };
    },
  };
}

const server = process.env.HAVEN_DEV_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [textMacros(), react(), textParts(), lingui({ failOnCompileError: true })],
  build: {
    outDir: "../internal/portal/dist",
    emptyOutDir: true,
    manifest: "manifest.json",
    // A data: address is refused by the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          // What many pages need comes in one piece: a first page in a hundred small ones was late, and larger.
          groups: [{ name: "shared", minShareCount: 20 }],
        },
      },
    },
    target: "es2022",
  },
  server: {
    proxy: { "/api": server, "/c": server, "/v2": server, "/service": server },
  },
  test: {
    environment: "happy-dom",
    setupFiles: ["src/test/setup.ts"],
    css: false,
    testTimeout: 30_000,
  },
});
