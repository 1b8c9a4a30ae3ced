/** A part of the blueprint or of a stack that somebody else made, or that is built here. */
export interface SoftwareComponent {
  readonly kind: "package" | "chart" | "image" | "model" | "data" | "tool";
  /** Unique among components of its kind, without version. */
  readonly name: string;
  readonly version?: string;
  /** Package URL. @see https://github.com/package-url/purl-spec */
  readonly purl?: string;
  /** Digests of the bytes, hex. */
  readonly hashes: readonly (readonly [algorithm: "SHA-1" | "SHA-256" | "SHA-512", hex: string])[];
  /** Licence it declares itself, as SPDX expression or in words; absent where it says nothing. */
  readonly declared?: string;
  /** `excluded`: needed to build and test, never deployed. */
  readonly scope: "required" | "optional" | "excluded";
  /** Further facts by name. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Key of a component in licences.yaml. */
export function licenceKey({ kind, name }: SoftwareComponent): string {
  return `${kind === "package" ? "npm" : kind}/${name}`;
}
