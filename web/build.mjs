// Copies what the pages load of others to where the server finds it. There is nothing to bundle.
import { copyFileSync, mkdirSync } from "node:fs";

const from = new URL("node_modules/htmx.org/", import.meta.url);
const to = new URL("static/vendor/", import.meta.url);
const files = { "dist/htmx.min.js": "htmx.min.js", "dist/ext/hx-sse.min.js": "hx-sse.min.js", LICENSE: "htmx.LICENSE" };

mkdirSync(to, { recursive: true });
for (const [file, name] of Object.entries(files)) {
  copyFileSync(new URL(file, from), new URL(name, to));
}
