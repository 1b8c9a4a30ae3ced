import { readFileSync } from "node:fs";
import satisfies from "spdx-satisfies";
import { parse } from "yaml";
import { z } from "zod";
import { licenceKey, type SoftwareComponent } from "./component.ts";

const catalogue = z.strictObject({
  allowed: z.array(z.string()).min(1),
  components: z.record(
    z.string().regex(/^(npm|chart|image|model|data|tool)\/.+$/),
    z.strictObject({
      licence: z.string().min(1),
      source: z.url(),
      because: z.string().min(20).optional(),
    }),
  ),
});

/** Licences that need no decision, and what was found or decided about components. */
export type LicenceCatalogue = z.output<typeof catalogue>;

/** What the licence of a component is, and whether it may be used. */
export type LicenceVerdict =
  | { readonly kind: "allowed"; readonly licence: string }
  /** Not in the list, but somebody decided. */
  | { readonly kind: "decided"; readonly licence: string; readonly because: string }
  | { readonly kind: "denied"; readonly licence: string }
  /** Nobody said, or what was said is no SPDX expression. */
  | { readonly kind: "unknown"; readonly declared: string };

/**
 * Parses a catalogue.
 * @throws ZodError when it is malformed
 */
export function parseLicences(text: string): LicenceCatalogue {
  return catalogue.parse(parse(text));
}

/** The catalogue of this repository, `supply-chain/licences.yaml`. */
export function licenceCatalogue(): LicenceCatalogue {
  return parseLicences(readFileSync(new URL("./licences.yaml", import.meta.url), "utf8"));
}

/** Licence of a component; what is written about it wins over what it declares. */
export function licenceOf(
  component: SoftwareComponent,
  { allowed, components }: LicenceCatalogue,
): LicenceVerdict {
  const written = components[licenceKey(component)];
  const licence = written?.licence ?? component.declared;
  if (licence === undefined) return { kind: "unknown", declared: "nothing" };
  if (written?.because !== undefined) return { kind: "decided", licence, because: written.because };
  try {
    return { kind: satisfies(licence, [...allowed]) ? "allowed" : "denied", licence };
  } catch {
    return { kind: "unknown", declared: licence };
  }
}

/** Sentences about components that may not be used, with what to do. */
export function licenceProblems(components: readonly SoftwareComponent[], known: LicenceCatalogue): string[] {
  return components.flatMap((component) => {
    const verdict = licenceOf(component, known);
    const what = `${licenceKey(component)}${component.version === undefined ? "" : ` ${component.version}`}`;
    switch (verdict.kind) {
      case "allowed":
      case "decided":
        return [];
      case "denied":
        return `${what} has licence ${verdict.licence}, which is not allowed; replace it, or write why it may stay into supply-chain/licences.yaml`;
      case "unknown":
        return `${what} declares ${verdict.declared}; find out and write its licence into supply-chain/licences.yaml`;
    }
  });
}
