import { describe, expect, it } from "vitest";
import type { SoftwareComponent } from "./component.ts";
import { licenceOf, licenceProblems, parseLicences } from "./licences.ts";
import { npmPackages } from "./npm-packages.ts";

const known = parseLicences(`
allowed: [MIT, Apache-2.0]
components:
  npm/silent: { licence: MIT, source: "https://example.org/LICENSE" }
  npm/decided: { licence: AGPL-3.0-only, source: "https://example.org/LICENSE", because: runs as a program of its own }
  npm/still-denied: { licence: SSPL-1.0, source: "https://example.org/LICENSE" }
`);

function component(name: string, declared?: string): SoftwareComponent {
  return {
    kind: "package",
    name,
    version: "1.0.0",
    hashes: [],
    ...(declared === undefined ? {} : { declared }),
    scope: "required",
    facts: {},
  };
}

describe("the licence of a component", () => {
  it.each([
    ["a", "MIT", "allowed"],
    ["a", "(MIT AND Apache-2.0)", "allowed"],
    ["a", "(GPL-3.0-only OR MIT)", "allowed"],
    ["a", "(MIT AND GPL-3.0-only)", "denied"],
    ["a", "GPL-3.0-or-later", "denied"],
    ["a", "SEE LICENSE IN LICENSE", "unknown"],
    ["a", "", "unknown"],
    ["a", undefined, "unknown"],
    ["silent", undefined, "allowed"],
    ["decided", undefined, "decided"],
    ["still-denied", "MIT", "denied"],
  ])("%s declaring %s is %s", (name, declared, kind) => {
    expect(licenceOf(component(name, declared), known).kind).toBe(kind);
  });

  it("is a problem when it is denied or unknown, with what to do", () => {
    expect(
      licenceProblems([component("a", "MIT"), component("b", "SSPL-1.0"), component("c")], known),
    ).toEqual([
      "npm/b 1.0.0 has licence SSPL-1.0, which is not allowed; replace it, or write why it may stay into supply-chain/licences.yaml",
      "npm/c 1.0.0 declares nothing; find out and write its licence into supply-chain/licences.yaml",
    ]);
  });

  it.each([
    ["allowed: []\ncomponents: {}"],
    ["allowed: [MIT]\ncomponents: { a: { licence: MIT, source: 'https://example.org' } }"],
    ["allowed: [MIT]\ncomponents: { npm/a: { licence: MIT } }"],
    ["allowed: [MIT]\ncomponents: { npm/a: { licence: X, source: 'https://example.org', because: no } }"],
  ])("is not read from a catalogue like %j", (text) => {
    expect(() => parseLicences(text)).toThrow();
  });
});

describe("packages of a lock file", () => {
  it("have name, version, digest and scope, each version once; workspaces are left out", () => {
    const entry = { version: "1.0.0", license: "MIT" };
    expect(
      npmPackages({
        packages: {
          "": { name: "root", version: "1.0.0" },
          gateway: { version: "1.0.0" },
          "node_modules/gateway": { link: true },
          "node_modules/@a/b": { ...entry, integrity: "sha512-AQI=" },
          "node_modules/c": { ...entry, dev: true },
          "node_modules/d/node_modules/c": { ...entry },
          "node_modules/e": { ...entry, optional: true },
          "node_modules/f": { ...entry, dev: true },
        },
      }).map(({ name, purl, hashes, scope }) => [name, purl, hashes, scope]),
    ).toEqual([
      ["@a/b", "pkg:npm/%40a/b@1.0.0", [["SHA-512", "0102"]], "required"],
      ["c", "pkg:npm/c@1.0.0", [], "required"],
      ["e", "pkg:npm/e@1.0.0", [], "optional"],
      ["f", "pkg:npm/f@1.0.0", [], "excluded"],
    ]);
  });

  it("are refused when the lock file is something else", () => {
    expect(() => npmPackages({ dependencies: {} })).toThrow();
  });
});
