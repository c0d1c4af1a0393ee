import { transformAsync } from "@babel/core";
import { lingui } from "@lingui/vite-plugin";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

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

const server = process.env.HAVEN_DEV_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [textMacros(), react(), lingui({ failOnCompileError: true })],
  build: {
    outDir: "../internal/portal/dist",
    emptyOutDir: true,
    manifest: "manifest.json",
    // A data: address is refused by the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
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
