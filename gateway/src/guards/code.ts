import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { canonicalJson } from "../audit/canonical-json.ts";
import { sha256Hex } from "../audit/chain.ts";

const FOLDER = import.meta.dirname;

let known: `sha256:${string}` | undefined;

/** Hash of the sources of every guard as this gateway runs them; tests do not count. An evaluation is about exactly these. */
export function guardCode(): `sha256:${string}` {
  known ??= `sha256:${sha256Hex(
    canonicalJson(
      Object.fromEntries(
        readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
          .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
          .sort()
          .map((file) => [file.replaceAll("\\", "/"), sha256Hex(readFileSync(join(FOLDER, file)))]),
      ),
    ),
  )}`;
  return known;
}
