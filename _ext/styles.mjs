// One style sheet of several, cut down to what the pages use.
// node styles.mjs SITE TARGET SHEET...   (paths below SITE; the sheets in the order of the cascade)
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";
import { PurgeCSS } from "purgecss";

const [site, target, ...sheets] = process.argv.slice(2);
const folder = dirname(join(site, target));
const entry = join(folder, "entry.css");
const imports = sheets.map((sheet) => `@import "./${relative(folder, join(site, sheet)).replaceAll("\\", "/")}";`);
await writeFile(entry, imports.join("\n"));
await build({
  entryPoints: [entry],
  outfile: join(site, target),
  bundle: true,
  minify: true,
  loader: { ".png": "file", ".svg": "file", ".ttf": "empty", ".woff2": "file" },
  assetNames: "assets/[name]",
  logLevel: "error",
});
await rm(entry);

const [{ css }] = await new PurgeCSS().purge({
  css: [{ raw: await readFile(join(site, target), "utf8") }],
  content: [join(site, "**/*.html"), join(site, "_static/**/*.js")].map((path) => path.replaceAll("\\", "/")),
  defaultExtractor: (text) => text.match(/[\w-]+/g) ?? [],
  dynamicAttributes: ["data-theme", "data-mode", "open", "hidden", "aria-expanded", "aria-hidden", "disabled", "checked"],
});
await writeFile(join(site, target), css);
