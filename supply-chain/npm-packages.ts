import { z } from "zod";
import type { SoftwareComponent } from "./component.ts";

const lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      integrity: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().optional(),
      optional: z.boolean().optional(),
      link: z.boolean().optional(),
    }),
  ),
});

const ALGORITHMS = { sha1: "SHA-1", sha256: "SHA-256", sha512: "SHA-512" } as const;

/** Subresource integrity (`sha512-<base64>`) as hex digests. @see https://www.w3.org/TR/sri/ */
function hashesOf(integrity = ""): SoftwareComponent["hashes"] {
  return [...integrity.matchAll(/(sha1|sha256|sha512)-([A-Za-z0-9+/=]+)/g)].map(
    ([, algorithm = "", base64 = ""]) =>
      [
        ALGORITHMS[algorithm as keyof typeof ALGORITHMS],
        Buffer.from(base64, "base64").toString("hex"),
      ] as const,
  );
}

/**
 * Packages of an npm lock file, each version once; workspaces of the repository are not among them.
 * @throws ZodError when it is no lock file of version 2 or 3
 */
export function npmPackages(content: unknown): SoftwareComponent[] {
  const found = new Map<string, SoftwareComponent>();
  for (const [path, entry] of Object.entries(lock.parse(content).packages)) {
    const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    if (name === undefined || entry.link === true || entry.version === undefined) continue;
    const id = `${name}@${entry.version}`;
    const scope = entry.dev === true ? "excluded" : entry.optional === true ? "optional" : "required";
    const known = found.get(id);
    found.set(id, {
      kind: "package",
      name,
      version: entry.version,
      purl: `pkg:npm/${name.split("/").map(encodeURIComponent).join("/")}@${encodeURIComponent(entry.version)}`,
      hashes: hashesOf(entry.integrity),
      ...(entry.license === undefined ? {} : { declared: entry.license }),
      scope: known?.scope === "required" ? "required" : scope,
      facts: {},
    });
  }
  return [...found.values()];
}
